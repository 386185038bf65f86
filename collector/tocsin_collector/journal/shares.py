"""How many bytes of a sealed segment are whose.

Counting reads the whole segment, so what was found is kept beside it, in a file of the segment's name: `.shares`.
"""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tocsin_collector import wholefile
from tocsin_collector.journal.reading import items
from tocsin_collector.journal.records import VOID, Record
from tocsin_collector.journal.segment import Name

SUFFIX = ".shares"
Owner = Callable[[int, bytes], str]
"""Whose a record is, by its type and payload."""


class Shares:
    """Of segments that nobody writes to any more."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._known: dict[Path, dict[str, int]] = {}

    def of(self, name: Name) -> dict[str, int]:
        """The bytes of each owner. Raises OSError, JournalError."""
        if name.path not in self._known:
            kept = _kept(name.path.with_suffix(SUFFIX))
            self._known[name.path] = self.count(name) if kept is None else kept
        return self._known[name.path]

    def count(self, name: Name) -> dict[str, int]:
        """The same, read from the segment anew, for it was changed."""
        found = Counter[str]()
        for item in items(name):
            if isinstance(item, Record) and item.type != VOID:
                found[self._owner(item.type, item.payload)] += item.end - item.start
        self._known[name.path] = dict(found)
        wholefile.replace(str(name.path.with_suffix(SUFFIX)), json.dumps(found).encode(), ".part", 0o600)
        return self._known[name.path]

    def drop(self, name: Name) -> None:
        """The segment is gone."""
        self._known.pop(name.path, None)
        name.path.with_suffix(SUFFIX).unlink(missing_ok=True)


def _kept(path: Path) -> dict[str, int] | None:
    """What stands in such a file; None where there is none or it is no such file."""
    with suppress(OSError, ValueError):
        found = json.loads(path.read_bytes())
        if isinstance(found, dict) and all(type(size) is int and size >= 0 for size in found.values()):
            return found
    return None
