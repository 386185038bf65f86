"""One batch of records to the collector, and what its answer means.

1. 200 or 400 with the counts of the contract: the batch is done; rows that were refused are told and not sent again.
2. 400, 413 or 422 without them: something in it is not taken; the batch is halved until one record stands alone.
3. anything else, no answer, or a 200 that is not the collector's (a proxy's page): the same batch again, later.
"""

import os
import zlib

from tocsin_agent.log import event
from tocsin_agent.relay.upstream import UpstreamError
from tocsin_schema.logrecord import MEDIA_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.relay.upstream import Answer, Upstream

PATH = "/v1/logs"
HEADERS = {"content-type": MEDIA_TYPE, "content-encoding": "gzip"}
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
LONGEST_RETRY_AFTER_S = 300.0


class Delivery:
    """Sends batches one after the other. ``pause(seconds)`` waits between two attempts and says whether to go on."""

    def __init__(self, upstream: "Upstream", count: "Callable[[str], int]", pause: "Callable[[float], bool]") -> None:
        self._upstream = upstream
        self._count = count
        self._pause = pause
        self._rejected: set[str] = set()

    def deliver(self, records: list[bytes]) -> bool:
        """Send the records until the collector has answered for each. False when the pause said to stop."""
        pause_s = FIRST_PAUSE_S
        while True:
            answer = self._post(records)
            if answer is not None and self._done(answer, len(records)):
                return True
            if answer is not None and answer.status in (400, 413, 422):
                return self._halve(records, answer)
            jitter = 0.75 + os.urandom(1)[0] / 512  # a fleet must not come back as one
            if not self._pause(max(pause_s * jitter, _retry_after(answer))):
                return False
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _post(self, records: list[bytes]) -> "Answer | None":
        try:
            body = zlib.compress(b"".join(records), 1, wbits=31)
            answer = self._upstream.post(PATH, HEADERS, body)
        except UpstreamError as error:
            if self._count("unreachable") == 1:
                event("log_collector_unreachable", reason=error)
            return None
        if answer.status != 200:
            self._count(f"http_{answer.status // 100}xx")
        return answer

    def _done(self, answer: "Answer", sent: int) -> bool:
        if answer.status not in (200, 400):
            return False
        rejected = _rejected(answer.body)
        if rejected is None:
            if answer.status == 200 and self._count("answer") == 1:
                event("log_answer_not_understood", body=answer.body[:80])
            return False
        for row in rejected[:sent]:
            self._tell(row)
        return True

    def _tell(self, row: dict[str, object]) -> None:
        """Count a refused record; one line in the log for each code."""
        self._count("rejected")
        code = str(row.get("code", ""))[:40]
        if code not in self._rejected and len(self._rejected) < 100:
            self._rejected.add(code)
            event("log_record_rejected", code=code, reason=str(row.get("reason", ""))[:200])

    def _halve(self, records: list[bytes], answer: "Answer") -> bool:
        if len(records) > 1:
            middle = len(records) // 2
            return self.deliver(records[:middle]) and self.deliver(records[middle:])
        self._tell({"code": f"http_{answer.status}", "reason": answer.body[:200].decode("utf-8", "replace")})
        return True


def _rejected(body: bytes) -> "list[dict[str, object]] | None":
    """The refused rows of an answer of the contract, as many as were refused; None for any other body."""
    from json import loads

    try:
        answer = loads(body)
        accepted, rejected = answer["accepted"], answer["rejected"]
        total = answer.get("rejected_count", len(rejected))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if type(accepted) is not int or type(total) is not int or not isinstance(rejected, list):
        return None
    told = [row for row in rejected if isinstance(row, dict)]
    return told + [{"code": "not_told"}] * min(total - len(told), 100_000)


def _retry_after(answer: "Answer | None") -> float:
    """The seconds that the collector asks for; a date is not understood, and the pause grows anyway."""
    text = answer.headers.get("retry-after", "") if answer else ""
    return min(float(text), LONGEST_RETRY_AFTER_S) if text.isascii() and text.isdigit() and len(text) < 9 else 0.0
