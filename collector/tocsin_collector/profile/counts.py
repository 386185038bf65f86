"""The counts of a window: integers that add up to the same bytes in any order, in any grouping, in any engine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.aspects import aspect
from tocsin_collector.profile.embedding import ASPECTS as EMBEDDED
from tocsin_collector.profile.embedding import Looked, look
from tocsin_collector.profile.hashing import register
from tocsin_collector.profile.layout import STEPS, TALLIES, FeatureLayout, Layout, ProfileError
from tocsin_collector.profile.numbers import count_numbers
from tocsin_collector.profile.packing import folded, pack, unfolded, unpack
from tocsin_collector.verdict import NUMBER

_MISSING, _NAN, _INFINITE, _OTHER_KIND, _NEW = range(TALLIES)
_MAGIC = b"TCSP\x02\0\0\0"
_HEAD = 56  # magic, the layout's digest, rows, unknown

Counts = NDArray[np.int64]
Registers = NDArray[np.uint8]


class Tally(NamedTuple):
    """One feature's counts. ``cells`` has one count a cell of its layout; all of them together add up to ``rows``.

    ``sums`` has the values of each of the layout's groups of cells, or an embedding's projections, in steps;
    ``registers`` what tells distinct names.
    """

    rows: int
    missing: int
    nan: int
    infinite: int
    other_kind: int
    new: int
    cells: Counts
    sums: Counts
    registers: Registers


@dataclass(frozen=True, eq=False, slots=True)
class Profile:
    """The counts of some rows under one layout. ``unknown`` counts values of columns that the layout does not have."""

    layout: Layout
    rows: int
    unknown: int
    counts: Counts
    sums: Counts
    registers: Registers

    def tally(self, name: str) -> Tally:
        """One feature's counts, by its name."""
        layout, feature = self.layout, self.layout.by_name[name]
        counts = self.counts[layout.starts[name] :][: TALLIES + feature.cells]
        sums = self.sums[layout.sum_starts[name] :][: feature.sums]
        registers = self.registers[layout.register_starts[name] :][: feature.registers]
        missing, nan, infinite, other_kind, new = counts[:TALLIES].tolist()
        return Tally(self.rows, missing, nan, infinite, other_kind, new, counts[TALLIES:], sums, registers)

    @property
    def columns(self) -> tuple[Counts, Counts, Registers]:
        """All that is counted, as it lies in memory."""
        return self.counts, self.sums, self.registers

    def to_bytes(self) -> bytes:
        """The layout's digest, then counts, sums and registers in as few bits as each stretch of them needs."""
        head = _MAGIC + self.layout.digest + np.array([self.rows, self.unknown], "<i8").tobytes()
        body = pack(self.counts) + pack(folded(self.sums - self._middles())) + pack(self.registers.astype(np.int64))
        return head + body + crc32(head + body).to_bytes(4, "little")

    @staticmethod
    def from_bytes(raw: bytes, layout: Layout) -> "Profile":
        """Read it back under its layout. Raises ProfileError for another layout's and for damaged bytes."""
        if len(raw) < _HEAD + 4 or raw[:8] != _MAGIC:
            raise ProfileError(f"these {len(raw)} bytes are no profile: they do not begin as one")
        if raw[8:40] != layout.digest:
            raise ProfileError(f"the profile has layout {raw[8:12].hex()}…, not {layout.digest[:4].hex()}…")
        if crc32(raw[:-4]) != int.from_bytes(raw[-4:], "little"):
            raise ProfileError("the profile is damaged: its checksum does not fit")
        return _read(raw, layout)

    def adds_up(self) -> bool:
        """Whether each feature's counts are its rows: none lost, none counted twice."""
        if not self.layout.features:
            return True
        sums = np.add.reduceat(self.counts, list(self.layout.starts.values()))
        return bool((self.counts >= 0).all() and (sums == self.rows).all())

    def _middles(self) -> Counts:
        """What each sum would be if the values lay in the middle of their group: the rest is small and packs well."""
        middles = [np.empty(0, np.int64)]
        for feature in self.layout.features:
            cells = self.counts[self.layout.starts[feature.name] + TALLIES :][: feature.cells]
            if len(feature.groups):
                middles.append(np.add.reduceat(cells, feature.groups) * (STEPS // 2))
            elif feature.space:
                middles.append(np.zeros(feature.sums, np.int64))
        return np.concatenate(middles)


def empty(layout: Layout) -> Profile:
    """A profile of no rows: adding it changes nothing."""
    counts, sums, registers = layout.sizes
    return Profile(layout, 0, 0, np.zeros(counts, np.int64), np.zeros(sums, np.int64), np.zeros(registers, np.uint8))


def profile(frame: Frame, layout: Layout) -> Profile:
    """Count a block's features. An absent column counts as missing, one of another kind as such: nothing fails."""
    columns = frame.group("feature.")
    found = empty(layout)
    looked = {name: look(columns[name], space) for name, space in layout.spaces.items() if name in columns}
    for feature in layout.features:
        values, embedded = columns.get(feature.column), looked.get(feature.column)
        if values is not None and embedded is not None and feature.aspect in EMBEDDED:
            values = embedded.aspect(feature.aspect)
        elif values is not None and feature.aspect:
            values = aspect(feature.aspect, values, frame.time_us)
        if values is None:
            found.counts[layout.starts[feature.name] + _MISSING] = frame.rows
        elif embedded is not None and feature.space:
            _count_embeddings(embedded, feature, found)
        else:
            _count(values, feature, found)
    known = {feature.column for feature in layout.features}
    unknown = sum(int(values.valid.sum()) for name, values in columns.items() if name not in known)
    return Profile(layout, frame.rows, unknown, found.counts, found.sums, found.registers)


def merge(a: Profile, b: Profile) -> Profile:
    """The profile of both's rows. Raises ProfileError when their layouts differ."""
    if a.layout is not b.layout and a.layout.digest != b.layout.digest:
        names = f"{a.layout.digest[:4].hex()}… and {b.layout.digest[:4].hex()}…"
        raise ProfileError(f"profiles of different layouts ({names}) cannot be added; profile the rows again under one")
    registers = np.maximum(a.registers, b.registers)
    return Profile(a.layout, a.rows + b.rows, a.unknown + b.unknown, a.counts + b.counts, a.sums + b.sums, registers)


def merged(profiles: Iterable[Profile], layout: Layout) -> Profile:
    """All of them in one."""
    total = empty(layout)
    for item in profiles:
        total = merge(total, item)
    return total


def _read(raw: bytes, layout: Layout) -> Profile:
    rows, unknown = np.frombuffer(raw[40:_HEAD], "<i8").tolist()
    try:
        parts, rest = [], raw[_HEAD:-4]
        for size in layout.sizes:
            part, rest = unpack(rest, size)
            parts.append(part)
    except ValueError as error:
        raise ProfileError(f"the profile is damaged: {error}") from None
    found = Profile(layout, rows, unknown, parts[0], unfolded(parts[1]), parts[2].astype(np.uint8))
    found.sums[:] += found._middles()
    if rows < 0 or unknown < 0 or not found.adds_up() or found.to_bytes() != raw:
        raise ProfileError("the profile is damaged: the counts of a feature do not add up to its rows")
    return found


def _count(values: Values, feature: FeatureLayout, into: Profile) -> None:
    """Add a column's counts to a profile that has none of it."""
    tally = into.counts[into.layout.starts[feature.name] :][: TALLIES + feature.cells]
    present = int(np.count_nonzero(values.valid))
    tally[_MISSING] = len(values.valid) - present
    if values.kind != feature.kind:
        tally[_OTHER_KIND] = present
        return
    data = values.data if present == len(values.valid) else values.data[values.valid]
    if feature.kind == NUMBER:
        sums = into.sums[into.layout.sum_starts[feature.name] :][: len(feature.groups)]
        infinite, nan = count_numbers(data, feature, tally[TALLIES:], sums)
        tally[_INFINITE], tally[_NAN] = infinite, nan
    else:
        registers = into.registers[into.layout.register_starts[feature.name] :][: feature.registers]
        tally[_NEW] = _count_names(data.astype(np.int64, copy=False), values.names, feature, tally[TALLIES:], registers)


def _count_embeddings(looked: Looked, feature: FeatureLayout, into: Profile) -> None:
    """The same of embeddings: a vector with NaN counts as NaN, one that is infinite or all zero as infinite."""
    tally = into.counts[into.layout.starts[feature.name] :][: TALLIES + feature.cells]
    valid, told = looked.values.valid, looked.told
    is_nan = valid & np.isnan(looked.norm)
    tally[_MISSING] = np.count_nonzero(~valid)
    tally[_NAN] = np.count_nonzero(is_nan)
    tally[_INFINITE] = np.count_nonzero(valid & ~told & ~is_nan)
    places = np.searchsorted(np.array(feature.edges), looked.cosine[told], "right")
    tally[TALLIES:] = np.bincount(places, minlength=feature.cells)
    sums = into.sums[into.layout.sum_starts[feature.name] :][: feature.sums]
    sums += looked.projected[told].sum(axis=0).astype(np.int64)


def _count_names(codes: Counts, names: list[str], feature: FeatureLayout, cells: Counts, registers: Registers) -> int:
    """Count categories into their cells; returns how many are new."""
    counts = np.bincount(codes, minlength=len(names))
    used = np.flatnonzero(counts)
    places, found = feature.cells_of(names if len(used) == len(names) else [names[code] for code in used.tolist()])
    by_cell = np.zeros(feature.cells + 1, np.int64)
    np.add.at(by_cell, places + 1, counts[used])
    cells += by_cell[1:]
    if found is not None:
        np.maximum(registers, register(found), out=registers)
    return int(by_cell[0])
