"""A reference from rows that came before: predictions of a span of event time with the labels and outcomes they got."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tocsin_collector.frame import Frame, Values, category, concat, number
from tocsin_collector.monitor.reference_file import ReferenceFileError, ReferenceRows
from tocsin_collector.verdict import CATEGORY, ModelKey
from tocsin_schema.block import LABEL, PREDICTION


class Late(NamedTuple):
    """A label (``name`` is empty) or a named outcome, with its own time in microseconds."""

    id: str
    name: str
    value: str | float
    time_us: int


def collect(frames: Iterable[Frame], key: ModelKey, start_us: int, end_us: int) -> ReferenceRows:
    """The rows of ``[start_us, end_us)`` out of a journal's frames. Raises ReferenceFileError when there are none."""
    parts: list[Frame] = []
    late: dict[str, dict[str, Late]] = {}
    for frame in frames:
        if frame.type == PREDICTION and frame.key == key:
            rows = np.flatnonzero((frame.time_us >= start_us) & (frame.time_us < end_us))
            if len(rows):
                parts.append(frame.take(rows))
        elif frame.type != PREDICTION and frame.key[:2] == key[:2]:
            for item in _lates(frame):
                book = late.setdefault(item.name, {})
                if item.id not in book or book[item.id].time_us <= item.time_us:
                    book[item.id] = item
    if not parts:
        raise ReferenceFileError(
            f"no prediction of {key.project}/{key.model} version {key.version!r} lies in that span"
        )
    whole = concat(parts)
    whole.columns.pop("trace_id", None)  # it tells where a row came from, not what it was
    outcomes = {name: _numbers(whole.ids, book) for name, book in late.items() if name}
    return ReferenceRows(whole, _labels(whole.ids, late.get("")), outcomes)


def _labels(ids: Sequence[str], book: dict[str, Late] | None) -> Values | None:
    if not book:
        return None
    found = [book[event_id].value if event_id in book else None for event_id in ids]
    if any(isinstance(value, str) for value in found):
        return category([None if value is None else str(value) for value in found])
    return number([value if isinstance(value, float) else None for value in found])


def _numbers(ids: Sequence[str], book: dict[str, Late]) -> Values:
    found = [book[event_id].value if event_id in book else None for event_id in ids]
    return number([value if isinstance(value, float) else None for value in found])


def _lates(frame: Frame) -> Iterable[Late]:
    """The labels or outcomes of a frame; rows without a value are left out."""
    values = frame.columns["label" if frame.type == LABEL else "value"]
    names = [""] * frame.rows if frame.type == LABEL else frame.columns["name"].texts()
    items: list[str | None] | list[float]
    items = values.texts() if values.kind == CATEGORY else values.data.tolist()
    rows = zip(frame.ids, names, items, values.valid.tolist(), frame.time_us.tolist(), strict=True)
    for event_id, name, item, ok, micros in rows:
        if ok and item is not None:
            yield Late(event_id, name or "", item, micros)
