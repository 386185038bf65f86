"""The counts of a window: integers that add up to the same bytes in any order, in any grouping, in any engine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.layout import TALLIES, FeatureLayout, Layout, ProfileError
from tocsin_collector.verdict import NUMBER

_MISSING, _NAN, _INFINITE, _OTHER_KIND, _NEW = range(TALLIES)
_CHUNK = 8_192  # sorting this much stays in the cache: 11 ns a value with 128 cells, 47 by a search for each value
_MAGIC = b"TCSP\x01\0\0\0"
_WIDTHS = (1, 2, 4, 8)

Counts = NDArray[np.int64]


class Tally(NamedTuple):
    """One feature's counts. ``cells`` has one count a cell of its layout; all of them together add up to ``rows``."""

    rows: int
    missing: int
    nan: int
    infinite: int
    other_kind: int
    new: int
    cells: Counts


@dataclass(frozen=True, eq=False, slots=True)
class Profile:
    """The counts of some rows under one layout. ``unknown`` counts values of columns that the layout does not have."""

    layout: Layout
    rows: int
    unknown: int
    counts: Counts

    def tally(self, name: str) -> Tally:
        """One feature's counts, by its name."""
        start = self.layout.starts[name]
        cells = self.layout.by_name[name].cells
        missing, nan, infinite, other_kind, new = self.counts[start : start + TALLIES].tolist()
        return Tally(self.rows, missing, nan, infinite, other_kind, new, self.counts[start + TALLIES :][:cells])

    def to_bytes(self) -> bytes:
        """The layout's digest and the counts, little-endian, as narrow as the largest of them allows."""
        width = next(w for w in _WIDTHS if self.rows < 1 << (8 * w - (w == 8)))
        head = np.array([self.rows, self.unknown, width], "<i8").tobytes()
        return _MAGIC + self.layout.digest + head + self.counts.astype(f"<u{width}").tobytes()

    @staticmethod
    def from_bytes(raw: bytes, layout: Layout) -> "Profile":
        """Read it back under its layout. Raises ProfileError for another layout's and for damaged bytes."""
        if len(raw) < 64 or raw[:8] != _MAGIC:
            raise ProfileError(f"these {len(raw)} bytes are no profile: they do not begin as one")
        if raw[8:40] != layout.digest:
            raise ProfileError(f"the profile has layout {raw[8:12].hex()}…, not {layout.digest[:4].hex()}…")
        rows, unknown, width = np.frombuffer(raw[40:64], "<i8").tolist()
        if rows < 0 or unknown < 0 or width not in _WIDTHS or len(raw) != 64 + layout.size * width:
            raise ProfileError(f"a profile of {layout.size} counts does not have {len(raw)} bytes")
        found = Profile(layout, rows, unknown, np.frombuffer(raw[64:], f"<u{width}").astype(np.int64))
        if not found.adds_up() or found.to_bytes() != raw:
            raise ProfileError("the profile is damaged: the counts of a feature do not add up to its rows")
        return found

    def adds_up(self) -> bool:
        """Whether each feature's counts are its rows: none lost, none counted twice."""
        if not self.layout.features:
            return True
        sums = np.add.reduceat(self.counts, list(self.layout.starts.values()))
        return bool((self.counts >= 0).all() and (sums == self.rows).all())


def empty(layout: Layout) -> Profile:
    """A profile of no rows: adding it changes nothing."""
    return Profile(layout, 0, 0, np.zeros(layout.size, np.int64))


def profile(frame: Frame, layout: Layout) -> Profile:
    """Count a block's features. An absent column counts as missing, one of another kind as such: nothing fails."""
    columns = frame.group("feature.")
    counts = np.zeros(layout.size, np.int64)
    for feature in layout.features:
        start = layout.starts[feature.name]
        target = counts[start : start + TALLIES + feature.cells]
        values = columns.pop(feature.name, None)
        if values is None:
            target[_MISSING] = frame.rows
        else:
            _count(values, feature, target)
    return Profile(layout, frame.rows, sum(int(values.valid.sum()) for values in columns.values()), counts)


def merge(a: Profile, b: Profile) -> Profile:
    """The profile of both's rows. Raises ProfileError when their layouts differ."""
    if a.layout is not b.layout and a.layout.digest != b.layout.digest:
        names = f"{a.layout.digest[:4].hex()}… and {b.layout.digest[:4].hex()}…"
        raise ProfileError(f"profiles of different layouts ({names}) cannot be added; profile the rows again under one")
    return Profile(a.layout, a.rows + b.rows, a.unknown + b.unknown, a.counts + b.counts)


def merged(profiles: Iterable[Profile], layout: Layout) -> Profile:
    """All of them in one."""
    total = empty(layout)
    for item in profiles:
        total = merge(total, item)
    return total


def _count(values: Values, feature: FeatureLayout, target: Counts) -> None:
    present = int(np.count_nonzero(values.valid))
    target[_MISSING] = len(values.valid) - present
    if values.kind != feature.kind:
        target[_OTHER_KIND] = present
        return
    data = values.data if present == len(values.valid) else values.data[values.valid]
    if feature.kind == NUMBER:
        _count_numbers(data, feature, target)
    else:
        _count_names(data.astype(np.int64, copy=False), values.names, feature, target)


def _count_numbers(data: NDArray[np.float64] | Counts, feature: FeatureLayout, target: Counts) -> None:
    # In a sorted chunk -inf stands first, then the cells, then +inf, and NaN last: one search finds every border.
    bounds = feature.bounds
    found = np.zeros(len(bounds) + 1, np.int64)
    for start in range(0, len(data), _CHUNK):
        chunk = np.sort(data[start : start + _CHUNK])
        borders = np.searchsorted(chunk, bounds)
        found[:-1] += borders
        found[1:] -= borders
        found[-1] += len(chunk)
    target[TALLIES:] = found[1:-2]
    target[_INFINITE] = found[0] + found[-2]
    target[_NAN] = found[-1]


def _count_names(codes: Counts, names: list[str], feature: FeatureLayout, target: Counts) -> None:
    found = np.bincount(codes, minlength=len(names))
    for code in np.flatnonzero(found).tolist():
        cell = feature.cell_of(names[code])
        target[_NEW if cell < 0 else TALLIES + cell] += found[code]
