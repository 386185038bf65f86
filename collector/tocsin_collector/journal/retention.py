"""Which events go: the oldest, when they are older or more than may be kept, of one project or in all.

A segment holds blocks of many projects. It is dropped when every project in it has let go of it, or when the journal as
a whole is too large; until then, what a project has let go of is erased from it, and its bytes go back to the disk.

Windows are counted from the journal when their snapshot cannot be used, under a new reference for one, so what they can
still need stays, whatever the limits say: every segment that was written within the horizon. So does what the newest
snapshot, which has the profiles of the windows, was not yet written behind. What is older than that is history.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tocsin_collector.journal.erase import GONE, rewrite
from tocsin_collector.journal.segment import Name, segments
from tocsin_collector.journal.shares import Owner, Shares
from tocsin_collector.journal.stores import store_of
from tocsin_collector.projects import figures

_EXAMPLE = "shop keep_s=2592000 keep_bytes=50000000000"


class Keep(NamedTuple):
    """How long something is kept since it was written, and how many bytes of it; 0 is without limit."""

    most_s: float = 0.0
    most_bytes: float = 0


class Limits(NamedTuple):
    """What is kept of the journal: its bytes on the disk, each project's events, and those of projects by name."""

    most_bytes: int = 0
    most_s: float = 0.0
    horizon_s: float = 90_600.0
    projects: Mapping[str, Keep] = {}

    def of(self, project: str) -> Keep:
        """What is kept of one project."""
        return self.projects.get(project, Keep(self.most_s))

    @property
    def longest_s(self) -> float:
        """After how long nobody keeps anything any more; 0 is never."""
        ages = [self.most_s, *(keep.most_s for keep in self.projects.values())]
        return max(ages) if all(ages) else 0.0


def limits_of(values: Mapping[str, Any], horizon_s: float) -> Limits:
    """The limits that settings say. Raises ConfigError."""
    own = figures("journal.projects", values["journal.projects"], ("keep_s", "keep_bytes"), _EXAMPLE)
    usual = values["journal.keep_s"]
    projects = {name: Keep(its.get("keep_s", usual), its.get("keep_bytes", 0)) for name, its in own.items()}
    return Limits(values["journal.keep_bytes"], usual, horizon_s, projects)


class Retention:
    """``size_bytes`` is what the segments take on the disk, ``first`` where the oldest begins, ``erased`` from where to
    where what project was erased. ``owner`` tells whose a record is."""

    def __init__(self, folder: Path, limits: Limits, owner: Owner, clock: Callable[[], float] = time.time) -> None:
        self.size_bytes = self.dropped_bytes_total = self.first = 0
        self.erased: deque[tuple[int, int, str]] = deque()
        self._folder = folder
        self._limits = limits
        self._owner = owner
        self._shares = Shares(owner)
        self._clock = clock

    def look(self, until: int) -> Iterator[None]:
        """Let go of what may go of that which ends before a position, one segment a step. Raises OSError,
        JournalError."""
        now_s = self._clock()
        for name in surplus(self._folder, self._limits, now_s, until):
            self._drop(name)
            yield
        if self._limits.projects:
            names = segments(self._folder)
            ends = {name: following.base for name, following in pairwise(names)}
            for name, gone in let_go(names, self._shares.of, self._limits, now_s, until):
                self._erase(name, gone)
                self.erased.extend((name.base, ends[name], project) for project in gone)
                yield
        left = segments(self._folder)
        self.first = left[0].base if left else 0
        self.size_bytes = sum(map(_taken_bytes, left))

    def _erase(self, name: Name, gone: set[str]) -> None:
        if gone == self._shares.of(name).keys():
            self._drop(name)
            return
        before = _taken_bytes(name)
        rewrite(name, lambda kind, payload: GONE if self._owner(kind, payload) in gone else None)
        self._shares.count(name)
        self.dropped_bytes_total += max(before - _taken_bytes(name), 0)

    def _drop(self, name: Name) -> None:
        self.dropped_bytes_total += _taken_bytes(name)
        store_of(name).remove(name)
        self._shares.drop(name)


def surplus(folder: Path, limits: Limits, now_s: float, until: int) -> list[Name]:
    """The segments that go as a whole, whosever they are, oldest first; the newest never does."""
    names = segments(folder)
    total = sum(map(_taken_bytes, names))
    longest_s = limits.longest_s
    found: list[Name] = []
    for name, following in pairwise(names):
        too_much = limits.most_bytes and total > limits.most_bytes
        too_old = longest_s and _age_s(name, now_s) > longest_s
        if not (too_much or too_old) or not _free(name, following, limits, now_s, until):
            break
        total -= _taken_bytes(name)
        found.append(name)
    return found


def let_go(
    names: list[Name], shares: Callable[[Name], Mapping[str, int]], limits: Limits, now_s: float, until: int
) -> Iterator[tuple[Name, set[str]]]:
    """Segments, newest first, with the projects that let go of them. From where on a project has too much, it lets go
    of all that is older."""
    kept = Counter[str]()
    over = set[str]()
    for name, following in reversed(list(pairwise(names))):
        share = shares(name)
        if not _free(name, following, limits, now_s, until):
            kept.update(share)
            continue
        age_s = _age_s(name, now_s)
        for project, size in share.items():
            keep = limits.of(project)
            kept[project] += size
            if (keep.most_s and age_s > keep.most_s) or (keep.most_bytes and kept[project] > keep.most_bytes):
                over.add(project)
        gone = over & share.keys()
        if gone or not share:
            yield name, gone


def _free(name: Name, following: Name, limits: Limits, now_s: float, until: int) -> bool:
    """Whether no window needs a segment any more, and a snapshot was written behind it."""
    return _age_s(name, now_s) > limits.horizon_s and following.base < until


def _age_s(name: Name, now_s: float) -> float:
    return now_s - name.path.stat().st_mtime


def _taken_bytes(name: Name) -> int:
    return name.path.stat().st_blocks * 512
