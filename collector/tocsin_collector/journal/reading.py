"""What a journal's folder holds, read without taking it: a collector may be writing there at the same time."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tocsin_collector.journal.records import Gap, Record
from tocsin_collector.journal.segment import SEALED, Name, segments
from tocsin_collector.journal.stores import store_of


class JournalError(Exception):
    """The journal cannot do what was asked; the message names the folder or file and the reason."""


class Found(NamedTuple):
    """A record or a gap, and the segment that it lies in."""

    segment: Name
    item: Record | Gap

    @property
    def position(self) -> int:
        """Where it starts in the journal."""
        return self.segment.base + self.item.start


def read(folder: Path, since: int = 0, until: int | None = None) -> Iterator[Found]:
    """Every record and gap that starts from one position to before another, oldest first. Raises JournalError.

    What a segment holds behind the next one's base is void: a failed sync left it there, and it was sent again.
    """
    names = segments(folder)
    for number, name in enumerate(names):
        end = names[number + 1].base if number + 1 < len(names) else None
        ends = [position for position in (end, until) if position is not None]
        if (end is not None and end <= since) or (until is not None and until <= max(since, name.base)):
            continue
        for item in items(name, min(ends) - name.base if ends else None):
            if name.base + item.start >= since:
                yield Found(name, item)


def is_damage(found: Found) -> bool:
    """Whether it is a stretch that was sound once: no record, and no torn tail, which the next start cuts."""
    return isinstance(found.item, Gap) and (not found.item.last or is_sealed(found.segment))


def items(name: Name, end: int | None = None) -> Iterator[Record | Gap]:
    """The records and gaps of one segment, up to an offset; none where retention has just dropped it. Raises
    JournalError."""
    try:
        yield from store_of(name).read(name, end)
    except OSError as error:
        raise JournalError(f"{name.path}: cannot be read: {error.strerror}") from error


def is_sealed(name: Name) -> bool:
    """Whether nobody writes to a segment any more."""
    return name.path.stat().st_mode & 0o777 == SEALED
