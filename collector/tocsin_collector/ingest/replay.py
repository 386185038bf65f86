"""A journal's blocks sent again, to the collector that they came from or to another one.

Blocks go one after the other in the journal's order, which is the order that their windows and their horizon were
judged in, and each keeps its producer and sequence: whoever has it counts nothing twice. Part of a block goes without
them, since its number would say that the rest has come too; its rows are known by their ids.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.stored import Stored, Which
from tocsin_collector.refusal import reason, unreachable
from tocsin_schema.block import MEDIA_TYPE, Block, encode

if TYPE_CHECKING:
    import requests

PATIENCE_S = 60.0
"""So long in a row a collector may be away or busy; then it is given up, and the same command goes on later."""
PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
TIMEOUT_S = 60.0
_LATER = (429, 503)


class ReplayError(Exception):
    """A collector does not take what is sent; the message says what it answers, and what to do."""


@dataclass
class Replayed:
    """What became of the events that were sent."""

    blocks: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """By the code that the collector answered."""

    def count(self, answer: dict[str, Any]) -> None:
        """Add one block's answer. It lists its first 100 refused rows; those behind them are ``further``."""
        self.blocks += 1
        self.accepted += answer["accepted"]
        self.duplicate += answer["duplicate"]
        self.rejected.update(item["code"] for item in answer["rejected"])
        self.rejected["further"] += answer["rejected_count"] - len(answer["rejected"])


def replay(
    found: Iterable[Stored], which: Which, send: Callable[[bytes], dict[str, Any]], so_far: Replayed
) -> Iterator[int]:
    """Send what is meant of some blocks and count it in ``so_far``; the position behind each block once it is there."""
    for item in found:
        part = which.of(item.block)
        if part is not None:
            so_far.count(send(item.payload if part is item.block else _part(part)))
        yield item.end


def _part(block: Block) -> bytes:
    block.producer, block.sequence = NO_PRODUCER, 0
    return encode(block)


class Sender:
    """Posts blocks to a collector on one connection, and waits where it says that it takes them later."""

    def __init__(
        self,
        url: str,
        how: dict[str, Any],
        *,
        sleep: Callable[[float], None] = time.sleep,
        patience_s: float = PATIENCE_S,
    ) -> None:
        import requests

        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # the address is the collector's own: no proxy, no .netrc
        self._session.verify = how["verify"]
        self._session.headers.update(how["headers"], **{"content-type": MEDIA_TYPE})
        self._sleep = sleep
        self._patience_s = patience_s

    def __call__(self, body: bytes) -> dict[str, Any]:
        """The answer to a block, refused rows and all. Raises ReplayError."""
        waited_s = 0.0
        while True:
            answer = self._posted(body)
            if answer is not None and answer.status_code not in _LATER:
                return self._told(answer)
            if waited_s >= self._patience_s:
                raise ReplayError(unreachable(self._url) if answer is None else self._said(answer))
            pause_s = PAUSE_S if answer is None else _retry_after(answer.headers.get("retry-after", ""))
            self._sleep(pause_s)
            waited_s += pause_s

    def _posted(self, body: bytes) -> "requests.Response | None":
        """The collector's answer; None where there is none, which may change."""
        import requests

        try:
            return self._session.post(
                f"{self._url.rstrip('/')}/v1/events", body, timeout=TIMEOUT_S, allow_redirects=False
            )
        except (requests.exceptions.SSLError, ValueError) as error:  # an untrusted certificate; no address at all
            raise ReplayError(f"{self._url}: {error}") from None
        except requests.RequestException:
            return None

    def _told(self, answer: "requests.Response") -> dict[str, Any]:
        try:
            found: dict[str, Any] = answer.json()
            whole = any(item["row"] is None for item in found["rejected"])
        except (ValueError, KeyError, TypeError):
            raise ReplayError(self._said(answer)) from None
        if whole or answer.status_code not in (200, 400):
            raise ReplayError(self._said(answer))
        return found

    def _said(self, answer: "requests.Response") -> str:
        try:
            told = answer.json()["rejected"][0]["reason"]
        except (ValueError, KeyError, TypeError, IndexError):
            told = " ".join(reason(answer)[:300].split())
        return f"the collector answers {answer.status_code}: {told}"


def _retry_after(text: str) -> float:
    try:
        return min(max(float(text), 0.1), LONGEST_PAUSE_S)
    except ValueError:
        return PAUSE_S
