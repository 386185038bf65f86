"""Folding: what dead workers counted moves into one base file: there are never more files than live workers + 1.

A fold is two steps that a kill may part: the new base replaces the old one, then the dead worker's file is unlinked.
The base holds the ids of the files that it has taken, so a file that is still there after its fold counts once.
"""

import os
from array import array
from stat import S_ISREG

from tocsin_agent.capture.layout import IN_FLIGHT, MAX_BYTES, MAX_FOLDED, MAX_SLOTS, LayoutError, Snapshot, pack, parse
from tocsin_schema.metric import OVERFLOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from tocsin_agent.capture.layout import Key

BASE = "folded"
SPOILED = "folded.spoiled"
LARGEST = (1 << 64) - 1
REST = (OVERFLOW, OVERFLOW, "", OVERFLOW)


def empty() -> Snapshot:
    """A base into which nothing has been folded."""
    return Snapshot(id=0, pid=0, start=0, counters=array("Q"), folded=(), series={})


def load(directory: str) -> Snapshot:
    """The base of a runtime directory. Raises LayoutError when it is spoiled, OSError when it cannot be read."""
    try:
        fd = os.open(os.path.join(directory, BASE), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return empty()
    try:
        if not S_ISREG(os.fstat(fd).st_mode):
            raise LayoutError("not a regular file")
        return parse(read_all(fd))
    finally:
        os.close(fd)


def read_all(fd: int) -> bytes:
    """The content of a file. Raises LayoutError when it is longer than any worker's."""
    parts = []
    size = 0
    while part := os.read(fd, 1 << 20):
        parts.append(part)
        size += len(part)
        if size > MAX_BYTES:
            raise LayoutError(f"more than {MAX_BYTES} bytes")
    return b"".join(parts)


def save(directory: str, base: Snapshot) -> None:
    """Replace the base in one step. Raises OSError."""
    temporary = os.path.join(directory, f"{BASE}.new")
    try:
        os.unlink(temporary)  # of an agent that was killed, or a trap: a link of a worker's must not lead us elsewhere
    except FileNotFoundError:
        pass
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb") as file:
        file.write(pack(base))
    os.replace(temporary, os.path.join(directory, BASE))


def merged(base: Snapshot, still: list[int], dead: "Iterable[Snapshot]", live: "Container[Key]") -> Snapshot:
    """The base with the dead added, as many as it has room to remember.

    ``still`` are the ids that it took before and whose files are still there; the others are forgotten. Beyond the
    bound the series that was folded longest ago and that no live worker counts any more goes into ``_other``.
    """
    series = dict(base.series)
    counters = base.counters
    folded = list(still)
    for snapshot in dead:
        if len(folded) == MAX_FOLDED:
            break
        folded.append(snapshot.id)
        counters = sums(counters, snapshot.counters)
        for key, words in snapshot.series.items():
            known = series.pop(key, None)  # put at the end: the order is that of the last fold
            series[key] = words[:] if known is None else sums(known, words)
            series[key][IN_FLIGHT] = 0
    _bound(series, live)
    return Snapshot(id=0, pid=0, start=0, counters=counters, folded=tuple(folded), series=series)


def sums(left: "array[int]", right: "array[int]") -> "array[int]":
    """Word by word; the shorter one counts as zeros behind its end, and a sum beyond 64 bits stays at their end."""
    if len(left) < len(right):
        left, right = right, left
    result = left[:]
    result[: len(right)] = array("Q", [min(a + b, LARGEST) for a, b in zip(left, right, strict=False)])
    return result


def _bound(series: "dict[Key, array[int]]", live: "Container[Key]") -> None:
    for key in [key for key in series if key not in live and key != REST]:
        if len(series) <= MAX_SLOTS - 1:
            return
        words = series.pop(key)
        known = series.pop(REST, None)
        series[REST] = words if known is None else sums(known, words)
