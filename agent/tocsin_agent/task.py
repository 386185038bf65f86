"""What the frame asks of a background task.

A task is one file in ``tasks/`` and is found by listing that folder. The file has a function ``start(values)`` that
gives a running ``Task``, or None when the configuration does not ask for it, and ``METRICS``, the entries of the
catalogue that its ``read`` may emit. ``tocsin-agent run`` starts the tasks after it has opened its port and stops them
at the end; ``--once`` starts none.

Every file is imported at each start of the agent, so ``start`` imports what the task needs once it knows that the task
is wanted (``socket`` alone costs 9 ms and 1.4 MiB).

It may have a function ``check(values) -> list[str]``, as a source may.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tocsin_agent.httpd.request import Request

    Answer: TypeAlias = tuple[int, dict[str, str], bytes]
    Handler: TypeAlias = Callable[[Request], Answer]
    """``handle(request) -> (status, headers, body)``.

    It runs in a thread of its own, so it
    may wait for a file or for the network (a few seconds, not for ever: the client is cut after 30), and must be
    thread-safe. The server adds Content-Length and Connection; an exception is a 500 and a line in the log.
    """


class Task:
    """A running task. A subclass overrides what it needs."""

    def routes(self) -> "dict[str, Handler]":
        """The paths that it answers: ``{"/v1/events": handle}``. A body has at most 16 MiB (413)."""
        return {}

    def read(self) -> bytes:
        """The task's own series at a scrape, under the rules of ``Source.read``."""
        return b""

    def stop(self) -> None:
        """End the task, within a second; called once."""
