"""What is judged and written as one: a block, or the JSON events of many small requests that wait together.

Most of what a block costs it costs once a column. Requests of one event each would pay it for every event, so those of
one model version that wait in the same group share a block; each is answered for its own rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.ingest.answer import Rejection
from tocsin_collector.ingest.drafts import Draft, Drafts, join
from tocsin_schema.block import Block

SHARED_BYTES = 1 << 20
"""Bodies share blocks up to so many bytes together; a larger one has its blocks for itself."""
Rows = NDArray[np.int64]


class Request(Protocol):
    """What a lot is made from: the blocks of a body, and the numbers of their rows in it."""

    @property
    def blocks(self) -> Sequence[Block | Draft]: ...
    @property
    def rows(self) -> Sequence[Sequence[int]]: ...
    @property
    def raw(self) -> bytes | None: ...
    @property
    def size_bytes(self) -> int: ...


class Source(NamedTuple):
    """Where some rows of a lot came from: the request, and their numbers in its body."""

    request: int
    rows: Sequence[int]


class Share(NamedTuple):
    """What became of the rows of one source."""

    request: int
    accepted: int
    duplicate: int
    rejected: list[Rejection]


class Lot(NamedTuple):
    """A block and its sources, one after the other as their rows stand in it. ``raw`` are its bytes, where known."""

    block: Block
    sources: list[Source]
    raw: bytes | None = None

    def shares(self, accepted: Rows, refused: Iterable[tuple[int, str, str]]) -> list[Share]:
        """What each source is told, from the rows that were accepted, and those that were refused with code and
        reason; all others are known."""
        ends = np.cumsum([len(source.rows) for source in self.sources])
        taken = np.bincount(np.searchsorted(ends, accepted, "right"), minlength=len(ends)).tolist()
        rejected: list[list[Rejection]] = [[] for _ in self.sources]
        for row, code, reason in refused:
            number = int(np.searchsorted(ends, row, "right"))
            source = self.sources[number]
            own = source.rows[row - int(ends[number])]  # counted from the end, where it is negative
            rejected[number].append(Rejection(own, code, reason))
        return [
            Share(source.request, count, len(source.rows) - count - len(some), some)
            for source, count, some in zip(self.sources, taken, rejected, strict=True)
        ]


def lots(requests: Sequence[Request]) -> Iterator[Lot]:
    """The lots of a group of requests, which are numbered as they stand there."""
    drafts: Drafts = {}
    sources: dict[Draft, list[Source]] = {}
    shared_bytes = 0
    for number, request in enumerate(requests):
        shared_bytes += request.size_bytes
        if shared_bytes > SHARED_BYTES:
            drafts, shared_bytes = {}, request.size_bytes
        for block, rows in zip(request.blocks, request.rows, strict=True):
            if isinstance(block, Block):
                yield Lot(block, [Source(number, rows)], request.raw)
            else:
                sources.setdefault(join(drafts, block.events, block.kinds), []).append(Source(number, rows))
    for draft, some in sources.items():
        yield Lot(draft.block(), some)
