"""What is judged as one: the rows of small requests that wait together, or a large block.

Most of what rows cost they cost once a column. Requests of a few events each would pay it for a few events, so those of
one model version that wait in the same group are judged together; each is answered for its own rows. JSON events become
one block; blocks that have the same columns stay the blocks that their producers count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.ingest.answer import Rejection
from tocsin_collector.ingest.drafts import NO_PRODUCER, Draft, Drafts, join
from tocsin_schema.block import Block

SHARED_BYTES = 1 << 20
"""JSON bodies share blocks up to so many bytes together; a larger one has its blocks for itself."""
SMALL_BYTES = 64 << 10
"""Blocks to this size are judged with others: of a larger one the rows cost more than the columns."""
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
    """Blocks and their sources, one after the other as their rows stand there. Of several blocks each has one source.
    ``raws`` are the bytes of each, where known."""

    blocks: list[Block]
    sources: list[Source]
    raws: list[bytes | None]

    def alone(self) -> Iterator["Lot"]:
        """The lots of each of several blocks."""
        for block, source, raw in zip(self.blocks, self.sources, self.raws, strict=True):
            yield Lot([block], [source], [raw])

    def shares(self, accepted: Rows, refused: Iterable[tuple[int, str, str]]) -> list[Share]:
        """What each source is told, from the rows that were accepted, and those that were refused with code and
        reason; all others are known."""
        refused = list(refused)
        if not refused and accepted.size == sum(len(source.rows) for source in self.sources):
            return [Share(source.request, len(source.rows), 0, []) for source in self.sources]
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
    found: list[Lot] = []
    drafts: Drafts = {}
    sources: dict[Draft, list[Source]] = {}
    alike: dict[tuple[object, ...], Lot] = {}
    came: Counter[tuple[str, int]] = Counter()
    shared_bytes = 0
    for number, request in enumerate(requests):
        shared_bytes += request.size_bytes
        if shared_bytes > SHARED_BYTES:
            drafts, alike, shared_bytes = {}, {}, request.size_bytes
        for block, rows in zip(request.blocks, request.rows, strict=True):
            if not isinstance(block, Block):
                sources.setdefault(join(drafts, block.events, block.kinds), []).append(Source(number, rows))
                continue
            lot = Lot([], [], [])
            if _has_company(block, request.size_bytes):
                lot = alike.setdefault((*_likeness(block), _again(block, came)), lot)
            if not lot.blocks:
                found.append(lot)
            lot.blocks.append(block)
            lot.sources.append(Source(number, rows))
            lot.raws.append(request.raw)
    yield from found
    for draft, some in sources.items():
        yield Lot([draft.block()], some, [None])


def _has_company(block: Block, size_bytes: int) -> bool:
    """Whether a block may be judged with others: a small one whose times and ids are all there."""
    complete = block.read("time").valid is None and block.read("id").valid is None
    return complete and size_bytes <= SMALL_BYTES


def _likeness(block: Block) -> tuple[object, ...]:
    """What blocks have in common that are judged together."""
    return block.type, block.project, block.model, block.version, block.producer == NO_PRODUCER, block.kinds


def _again(block: Block, came: Counter[tuple[str, int]]) -> int:
    """How often a block came before in the group: it is judged when what came before it is known."""
    if block.producer == NO_PRODUCER:
        return 0
    name = block.producer, block.sequence
    came[name] += 1
    return came[name] - 1
