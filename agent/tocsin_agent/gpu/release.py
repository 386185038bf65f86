"""``POST /-/gpus/release`` and ``POST /-/gpus/take``: for who unbinds a GPU or upgrades the driver.

The answer is the truth of that moment: 200 when every handle is closed, or every GPU is sampled again, and 503 with the
reason when that has not come about in time. What was asked for stays asked for, and comes about when the reason ends.
"""

from tocsin_agent.httpd.response import PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.gpu.driver import Driver
    from tocsin_agent.httpd.request import Request
    from tocsin_agent.task import Answer, Handler

RELEASE, TAKE = "/-/gpus/release", "/-/gpus/take"
WITHIN_S = 2.0


def routes(known: "Callable[[], Driver | None]") -> "dict[str, Handler]":
    """The two paths, for a driver that may appear later."""

    def release() -> str:
        driver = known()
        return driver.release(WITHIN_S) if driver else ""  # what is not there is held by nobody

    def take() -> str:
        driver = known()
        return driver.take(WITHIN_S) if driver else "the library of the driver is not there"

    return {RELEASE: _handler(release, "released", "not released"), TAKE: _handler(take, "taken", "not taken")}


def _handler(ask: "Callable[[], str]", done: str, undone: str) -> "Handler":
    def handle(request: "Request") -> "Answer":
        if request.method != "POST":
            return 405, PLAIN | {"Allow": "POST"}, b"POST expected\n"
        reason = ask()
        return (503, PLAIN, f"{undone} yet: {reason}\n".encode()) if reason else (200, PLAIN, f"{done}\n".encode())

    return handle
