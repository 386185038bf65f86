"""What a journal's folder holds, read without taking it: a collector may be writing there at the same time."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tocsin_collector.journal.records import Gap, Record, scan
from tocsin_collector.journal.segment import SEALED, Name, segments


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
        if (end is not None and end <= since) or (until is not None and until <= name.base):
            continue
        data = contents(name)
        for item in scan(data[: min(ends) - name.base] if ends else data, name.marker):
            if name.base + item.start >= since:
                yield Found(name, item)


def is_damage(found: Found) -> bool:
    """Whether it is a stretch that was sound once: no record, and no torn tail, which the next start cuts."""
    return isinstance(found.item, Gap) and (not found.item.last or is_sealed(found.segment))


def contents(name: Name) -> bytes:
    """The bytes of a segment; none where retention has just dropped it."""
    try:
        return name.path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise JournalError(f"{name.path}: cannot be read: {error.strerror}") from error


def is_sealed(name: Name) -> bool:
    """Whether nobody writes to a segment any more."""
    return name.path.stat().st_mode & 0o777 == SEALED
