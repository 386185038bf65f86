"""What of two frames goes into a report: a bounded sample of the features that both have, without ids and free text."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.verdict import NUMBER

MOST_ROWS = 20_000
MOST_NAMES = 200  # Evidently's cost grows with the square of the distinct values: 7,400 of them took 134 s of CPU
MOST_CHARACTERS = 200


class Table(NamedTuple):
    """``arrays`` are what the child reads; ``excluded`` says of each feature that is left out, why."""

    arrays: dict[str, NDArray[np.float64] | NDArray[np.str_]]
    columns: list[str]
    excluded: dict[str, str]
    reference_rows: int
    current_rows: int


def table(reference: Frame, current: Frame) -> Table:
    """The comparable features of both, at most ``MOST_ROWS`` rows a side, evenly spread over its rows."""
    before, now = _sample(reference), _sample(current)
    left, right = before.group("feature."), now.group("feature.")
    excluded = {name: why for name in sorted(left | right) if (why := _unfit(left.get(name), right.get(name)))}
    columns = [name for name in left if name not in excluded]
    arrays = {f"reference.{name}": _array(left[name]) for name in columns}
    arrays |= {f"current.{name}": _array(right[name]) for name in columns}
    return Table(arrays, columns, excluded, before.rows, now.rows)


def _sample(frame: Frame) -> Frame:
    if frame.rows <= MOST_ROWS:
        return frame
    return frame.take(np.linspace(0, frame.rows - 1, MOST_ROWS).astype(np.intp))


def _unfit(reference: Values | None, current: Values | None) -> str | None:
    if reference is None or current is None:
        return f"not in the {'reference' if reference is None else 'current'} rows"
    if reference.kind != current.kind:
        return f"a {reference.kind} in the reference, a {current.kind} now"
    if current.vectors is not None:
        return "embeddings are compared on the feature's own page"
    for side, values in (("reference", reference), ("current", current)):
        usable = values.data[values.valid]
        if not np.isfinite(usable).any():
            return f"no value in the {side} rows"
        if values.kind != NUMBER and len(np.unique(usable)) > MOST_NAMES:
            return f"more than {MOST_NAMES} distinct values: an id or free text"
    return None


def _array(values: Values) -> NDArray[np.float64] | NDArray[np.str_]:
    if values.kind == NUMBER:
        return np.where(values.valid & np.isfinite(values.data), values.data, np.nan)
    # A NUL cannot end an array's text: numpy would drop it.
    return np.array([(text or "")[:MOST_CHARACTERS].rstrip("\0") for text in values.texts()], np.str_)
