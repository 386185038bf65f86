"""The file in which a worker leaves its metrics, and the base file that keeps what dead workers counted.

Everything is 64-bit unsigned words in the machine's own order (another order shows as a wrong magic)::

    head   word 0 magic, 1 buckets of a histogram, 2 stride in bytes, 3 pid, 4 start of the process in clock ticks,
           5 id of the file, 6 number of slots, 7 number of folded ids, 16.. counters, 64.. folded ids
    slot i at (i + 1) * stride: word 0 length of the labels, then the labels (project, model, version, route in UTF-8,
           joined by NUL); from word 512: in flight, four outcomes, sum of durations and of times to the first byte in
           ns, one spare, then the two histograms in the layout of ``tocsin_schema.latency``

Words are aligned, so a store is one machine instruction; the number of slots is written after the slot that it admits.
Sums are whole nanoseconds: adding them in any order gives the same, and they never fall.
"""

import mmap
import sys
from array import array

from tocsin_schema.latency import BUCKETS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Key: TypeAlias = tuple[str, str, str, str]
    """project, model, version, route"""

MAGIC = int.from_bytes(b"TOCSINW1", sys.byteorder)
SUFFIX = ".tocsin"

HEAD_WORDS = 512
PID, START, ID, SLOTS, FOLDED = 3, 4, 5, 6, 7
COUNTERS_AT, FOLDED_AT = 16, 64
MAX_COUNTERS, MAX_FOLDED = FOLDED_AT - COUNTERS_AT, 256

LABEL_WORDS = 512
IN_FLIGHT, OUTCOME, DURATION_NS, FIRST_NS, DURATION = 0, 1, 5, 6, 8
FIRST = DURATION + BUCKETS
SLOT_WORDS = FIRST + BUCKETS

MAX_SLOTS = 64
MAX_COUNT = 1 << 53
"""More than any worker counts; a larger sum tells of a broken file."""


def stride() -> int:
    """Bytes of one slot, rounded up so that each can be mapped by itself."""
    size = (LABEL_WORDS + SLOT_WORDS) * 8
    return -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY


MAX_BYTES = (MAX_SLOTS + 1) * max(stride(), 1 << 16)


class LayoutError(ValueError):
    """The bytes are no metrics file of a worker."""


class Snapshot:
    """The content of one file. ``series`` maps a key to the words of its slot, ``counters`` are as in ``counts``."""

    __slots__ = ("counters", "folded", "id", "pid", "series", "start")

    def __init__(
        self,
        *,
        id: int,
        pid: int,
        start: int,
        counters: "array[int]",
        folded: "tuple[int, ...]",
        series: "dict[Key, array[int]]",
    ) -> None:
        self.id = id
        self.pid = pid
        self.start = start
        self.counters = counters
        self.folded = folded
        self.series = series

    def __repr__(self) -> str:
        return f"Snapshot({self.id:016x}, pid={self.pid}, series={list(self.series)}, folded={len(self.folded)})"


def labels_of(key: "Key") -> bytes:
    """The labels as they stand in a slot: three names of at most 256 characters and a route of 200 always fit."""
    return "\0".join([part.replace("\0", " ") for part in key]).encode("utf-8", "replace")


def pack(snapshot: Snapshot) -> bytes:
    """The bytes of a file; ``parse(pack(s))`` has the same content."""
    step = stride()
    head = array("Q", bytes(HEAD_WORDS * 8))
    head[:3] = array("Q", (MAGIC, BUCKETS, step))
    head[PID], head[START], head[ID] = snapshot.pid, snapshot.start, snapshot.id
    head[SLOTS], head[FOLDED] = len(snapshot.series), len(snapshot.folded)
    head[COUNTERS_AT : COUNTERS_AT + len(snapshot.counters)] = snapshot.counters
    head[FOLDED_AT : FOLDED_AT + len(snapshot.folded)] = array("Q", snapshot.folded)
    parts = [head.tobytes().ljust(step, b"\0")]
    for key, words in snapshot.series.items():
        labels = labels_of(key)
        size = array("Q", [len(labels)]).tobytes()
        parts.append(((size + labels).ljust(LABEL_WORDS * 8, b"\0") + words.tobytes()).ljust(step, b"\0"))
    return b"".join(parts)


def parse(raw: bytes) -> Snapshot:
    """The content of a file. Raises LayoutError for anything that no worker of this version has written."""
    if len(raw) < HEAD_WORDS * 8:
        raise LayoutError(f"{len(raw)} bytes; the head alone has {HEAD_WORDS * 8}")
    head = _words(raw, 0, HEAD_WORDS)
    step = head[2]
    if head[0] != MAGIC or head[1] != BUCKETS:
        raise LayoutError(f"magic {head[0]:016x} with {head[1]} buckets; {MAGIC:016x} with {BUCKETS} is needed")
    if step < (LABEL_WORDS + SLOT_WORDS) * 8 or step % 8 or head[SLOTS] > MAX_SLOTS or head[FOLDED] > MAX_FOLDED:
        raise LayoutError(f"stride {step}, {head[SLOTS]} slots, {head[FOLDED]} folded ids: out of bounds")
    if (head[SLOTS] + 1) * step > len(raw):
        raise LayoutError(f"{head[SLOTS]} slots of {step} bytes do not fit in {len(raw)} bytes")
    series: dict[Key, array[int]] = {}
    for number in range(head[SLOTS]):
        key, words = _slot(raw, (number + 1) * step)
        if key in series:
            raise LayoutError(f"slot {number}: the labels {key} stand twice")
        series[key] = words
    counters = head[COUNTERS_AT : COUNTERS_AT + MAX_COUNTERS]
    if max(counters) > MAX_COUNT:
        raise LayoutError("a counter is beyond 2**53")
    folded = tuple(head[FOLDED_AT : FOLDED_AT + head[FOLDED]])
    return Snapshot(id=head[ID], pid=head[PID], start=head[START], counters=counters, folded=folded, series=series)


def _slot(raw: bytes, at: int) -> "tuple[Key, array[int]]":
    size = _words(raw, at, 1)[0]
    if size > (LABEL_WORDS - 1) * 8:
        raise LayoutError(f"labels of {size} bytes at {at}; at most {(LABEL_WORDS - 1) * 8}")
    try:
        parts = raw[at + 8 : at + 8 + size].decode().split("\0")
    except UnicodeDecodeError:
        raise LayoutError(f"the labels at {at} are no UTF-8") from None
    if len(parts) != 4:
        raise LayoutError(f"{len(parts)} labels at {at}; project, model, version and route are needed")
    words = _words(raw, at + LABEL_WORDS * 8, SLOT_WORDS)
    if sum(words[DURATION:FIRST]) > MAX_COUNT or sum(words[FIRST:]) > MAX_COUNT or max(words[:DURATION_NS]) > MAX_COUNT:
        raise LayoutError(f"the counts at {at} are beyond 2**53")
    return (parts[0], parts[1], parts[2], parts[3]), words


def _words(raw: bytes, at: int, count: int) -> "array[int]":
    return array("Q", raw[at : at + count * 8])
