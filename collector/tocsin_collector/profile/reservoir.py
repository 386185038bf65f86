"""A few rows of many, as the codes of their features: a sample by hash, bounded, the same in whatever order rows come.

Kept are the rows with the lowest hashes of their id's ends and their time, so two samples merge into that of all rows
(bottom-k sampling: Cohen and Kaplan, PODC 2007). Only rows that get in are coded: of 100,000 rows a few hundred.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values, concat
from tocsin_collector.profile.coarse import Codes, chosen, codes
from tocsin_collector.profile.hashing import mixed
from tocsin_collector.profile.layout import Layout, ProfileError
from tocsin_collector.texts import ends
from tocsin_collector.verdict import CATEGORY

Keys = NDArray[np.uint64]


@dataclass(frozen=True, eq=False, slots=True)
class Reservoir:
    """``keys`` rise; ``codes`` are features x rows, in the order of ``coarse.chosen`` and of the keys."""

    layout: Layout
    most: int
    keys: Keys
    codes: Codes


def nothing(layout: Layout, most: int) -> Reservoir:
    """A sample of no rows, which will have room for so many."""
    return Reservoir(layout, most, np.empty(0, np.uint64), np.empty((len(chosen(layout)), 0), np.uint8))


def kept(known: Reservoir, frame: Frame, keys: Keys | None = None) -> Reservoir:
    """The sample of its rows and a block's; ``keys`` tell rows apart that have no id and time."""
    keys = _keys(frame) if keys is None else keys
    rows = np.arange(frame.rows) if len(known.keys) < known.most else np.flatnonzero(keys < known.keys[-1])
    rows = rows[np.argsort(keys[rows], kind="stable")[: known.most]]
    if not len(rows):
        return known
    coded = codes(_part(frame, known.layout, rows), known.layout)
    return merged(known, Reservoir(known.layout, known.most, keys[rows], coded))


def sampled(frames: Sequence[Frame], layout: Layout, most: int) -> list[Codes]:
    """The codes that a sample of so many rows would have of each frame alone, all coded at once."""
    rows = [np.argsort(_keys(frame), kind="stable")[:most] for frame in frames]
    whole = concat([_part(frame, layout, some) for frame, some in zip(frames, rows, strict=True)])
    bounds = np.cumsum([len(some) for some in rows])[:-1]
    return np.split(codes(whole, layout), bounds, axis=1)


def merged(a: Reservoir, b: Reservoir) -> Reservoir:
    """The sample of both's rows. Raises ProfileError when their layouts differ."""
    if a.layout is not b.layout and a.layout.digest != b.layout.digest:
        raise ProfileError("rows coded under different layouts are no sample; code them again under one")
    keys = np.concatenate([a.keys, b.keys])
    order = np.argsort(keys, kind="stable")[: a.most]
    return Reservoir(a.layout, a.most, keys[order], np.concatenate([a.codes, b.codes], axis=1)[:, order])


def _part(frame: Frame, layout: Layout, rows: NDArray[np.intp]) -> Frame:
    """Some rows, as far as they are coded."""
    names = [f"feature.{feature.name}" for feature in chosen(layout)]
    columns = {name: _used(frame.columns[name].take(rows)) for name in names if name in frame.columns}
    return Frame(frame.type, frame.key, frame.time_us[rows], [""] * len(rows), columns)


def _used(values: Values) -> Values:
    """A category with the names of its rows alone: a block may have thousands, and each of them would be hashed."""
    if values.kind != CATEGORY:
        return values
    found, data = np.unique(np.where(values.valid, values.data, 0), return_inverse=True)
    names = [values.names[code] for code in found.tolist()] if values.names else values.names
    return Values(CATEGORY, data, values.valid, names)


def _keys(frame: Frame) -> Keys:
    first, last = ends(frame.ids)
    return mixed(mixed(mixed(frame.time_us.astype(np.uint64)) ^ first) ^ last)
