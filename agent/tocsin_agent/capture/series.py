"""One model version in this process: what its requests leave for the meter.

The request path appends one tuple to ``done``, which is atomic (under the interpreter lock, or under the list's own in
a build without that), and the background thread takes from its front: no request waits for a lock or a file.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Observation: TypeAlias = tuple[str, int, int, int]
    """route, outcome (index into OUTCOMES), duration in ns, time to the first byte in ns or -1"""

OUTCOMES = ("ok", "client_error", "server_error", "cancelled")
OK, CLIENT_ERROR, SERVER_ERROR, CANCELLED = range(len(OUTCOMES))
MAX_ROUTE_TEXT = 200
MAX_WAITING = 100_000
"""Observations that may wait for the background thread; it takes them every second."""


class Series:
    """``done`` holds observations, ``live`` the requests that are being served."""

    __slots__ = ("done", "live", "model", "project", "version")

    def __init__(self, project: str, model: str, version: str) -> None:
        self.project = project
        self.model = model
        self.version = version
        self.reset()

    def reset(self) -> None:
        """Forget everything; after a fork the parent counts what was there."""
        self.done: list[Observation] = []
        self.live: set[object] = set()
