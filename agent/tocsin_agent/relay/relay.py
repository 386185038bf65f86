"""Events of the serving processes of this host, handed on to the collector as they are.

The agent keeps nothing: the answer is the collector's own, so *acknowledged* still means durable there. When the
collector does not answer, the sender is told to keep its blocks and come back. A sender that shows no key of its own is
let in by the agent's.
"""

from _thread import allocate_lock  # threading costs 5 ms and a megabyte with what it imports

from tocsin_agent.relay.credentials import Credentials
from tocsin_agent.relay.upstream import Address, Upstream, UpstreamError
from tocsin_schema.metric import OVERFLOW
from tocsin_schema.metrics.relay import CODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.httpd.request import Request
    from tocsin_agent.task import Answer

PATH = "/v1/events"
AT_ONCE = 8
"""Requests handed on at the same time; the rest is told to come back: a slow collector costs no more threads."""
FORWARDED = ("content-type", "content-encoding", "authorization", "traceparent")
CLOUDEVENT = "ce-"
"""Headers that begin so are a CloudEvent's attributes; in binary mode there is nowhere else that they stand."""
RETURNED = ("content-type", "retry-after", "www-authenticate")


class Relay:
    """``handle`` is thread-safe; ``counts`` are the answers by status code."""

    def __init__(self, address: Address, credentials: Credentials | None = None) -> None:
        self._address = address
        self._credentials = credentials
        self._under_way = 0
        self._lock = allocate_lock()
        self._idle: list[Upstream] = []
        self._counts: dict[str, int] = {}

    def handle(self, request: "Request") -> "Answer":
        """The collector's answer to the same request, or 503 and Retry-After."""
        answer = self._answer(request)
        with self._lock:
            code = str(answer[0])
            code = code if code in self._counts or len(self._counts) < CODES - 1 else OVERFLOW
            self._counts[code] = self._counts.get(code, 0) + 1
        return answer

    def counts(self) -> dict[str, int]:
        """A copy of the counts by status code."""
        with self._lock:
            return dict(self._counts)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            for upstream in self._idle:
                upstream.close()
            self._idle.clear()

    def _answer(self, request: "Request") -> "Answer":
        if request.method != "POST":
            reason = f"{request.method} {request.path}: only POST is answered here"
            return _refusal(405, "method_not_allowed", reason, {"allow": "POST"})
        if not self._begin():
            reason = (
                f"{AT_ONCE} requests are already on their way to the collector; keep the events and send them again"
            )
            return _refusal(503, "relay_busy", reason, {"retry-after": "1"})
        try:
            return self._forward(request)
        except UpstreamError as error:
            reason = f"the collector does not answer ({error}); keep the events and send them again"
            return _refusal(503, "collector_unreachable", reason, {"retry-after": "2"})
        finally:
            with self._lock:
                self._under_way -= 1

    def _begin(self) -> bool:
        """Take one of the places; False when all are taken."""
        with self._lock:
            free = self._under_way < AT_ONCE
            self._under_way += free
        return free

    def _forward(self, request: "Request") -> "Answer":
        with self._lock:
            upstream = self._idle.pop() if self._idle else Upstream(self._address, self._credentials)
        target = f"{request.path}?{request.query}" if request.query else request.path
        answer = upstream.post(target, _forwarded(request.headers), request.body)
        with self._lock:
            self._idle.append(upstream)
        return answer.status, {name: answer.headers[name] for name in RETURNED if name in answer.headers}, answer.body


def _forwarded(headers: dict[str, str]) -> dict[str, str]:
    """The headers that say something of the events, or of who sends them."""
    return {name: value for name, value in headers.items() if name in FORWARDED or name.startswith(CLOUDEVENT)}


def _refusal(status: int, code: str, reason: str, headers: dict[str, str]) -> "Answer":
    """In the form of the collector's own answers."""
    from json import dumps

    rejected = [{"row": None, "code": code, "reason": reason}]
    answer = {"accepted": 0, "duplicate": 0, "rejected": rejected, "rejected_count": 1, "position": ""}
    body = dumps(answer).encode()
    return status, {"content-type": "application/json", **headers}, body
