"""What holds for every event, however it came: the columns that its type may have, and the values in them.

A column that cannot be right refuses the whole block; a value refuses its row. NaN and infinities of *features* are
kept: they are what the model saw, and the profile counts them. Anywhere else they refuse the row.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame
from tocsin_collector.ingest import times
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.texts import lengths
from tocsin_collector.verdict import NUMBER
from tocsin_schema.block import LABEL, MAX_NAME, OUTCOME, PREDICTION, Block, dimensions
from tocsin_schema.receipt import ReceiptError, read, verified

_NUMBERS, _TEXTS = ("f64", "i64"), ("str", "dict")
_ANY = ("f64", "i64", "time", "bool", "str", "dict")
_VECTOR = "f32[N]"
_COMMON: dict[str, tuple[str, ...]] = {"time": ("time",), "id": _TEXTS}
_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    PREDICTION: _COMMON | {"prediction": _ANY, "latency_s": _NUMBERS, "trace_id": _TEXTS},
    LABEL: _COMMON | {"label": _ANY, "receipt": _TEXTS},
    OUTCOME: _COMMON | {"name": _TEXTS, "value": _NUMBERS},
}
_PREFIXES: dict[str, dict[str, tuple[str, ...]]] = {
    PREDICTION: {"feature": (*_ANY, _VECTOR), "score": _NUMBERS, "segment": _TEXTS},
    LABEL: {},
    OUTCOME: {},
}
_NEEDED: dict[str, tuple[str, ...]] = {PREDICTION: (), LABEL: ("label",), OUTCOME: ("name", "value")}


Kinds = tuple[tuple[str, str], ...]
_FEW = 100  # columns of a block whose names are remembered: of 64 senders 6 MB at most


class Bounds(NamedTuple):
    """How far an event's time may lie from the clock, in seconds; a past of 0 takes any age, for replays.

    ``keys`` are the projects' keys that receipts are checked with.
    """

    past_s: float = 0.0
    future_s: float = 600.0
    keys: Mapping[str, Sequence[bytes]] = MappingProxyType({})


class Fault(NamedTuple):
    """A row that is refused, by its number in the block."""

    row: int
    code: str
    reason: str


def check_columns(block: Block) -> None:
    """Raises Refusal when a column is unknown, of the wrong dtype, or missing."""
    kinds = block.kinds
    (_known_to_be_right if len(kinds) <= _FEW else _check_kinds)(block.type, kinds)


def _check_kinds(type: str, kinds: Kinds) -> None:
    for name, found in kinds:
        dtypes = _dtypes(type, name)
        if dtypes is None:
            raise Refusal(400, "unknown_column", f"column {name!r:.80}: no column of a {type} block")
        if (_VECTOR if dimensions(found) else found) not in dtypes:
            raise Refusal(400, "wrong_type", f"column {name!r:.80}: {' or '.join(dtypes)} is needed, found {found}")
    names = {name for name, _ in kinds}
    for name in _NEEDED[type]:
        if name not in names:
            raise Refusal(400, "missing_field", f"column {name!r}: it is needed in a {type} block")


_known_to_be_right = lru_cache(64)(_check_kinds)  # what raises is not kept


def _dtypes(type: str, name: str) -> tuple[str, ...] | None:
    exact = _COLUMNS[type].get(name)
    if exact is not None:
        return exact
    prefix, _, rest = name.partition(".")
    return _PREFIXES[type].get(prefix) if rest else None


def check_rows(block: Block, frame: Frame, now_us: int, bounds: Bounds) -> list[Fault]:
    """The rows of a block that cannot be taken, each with its first fault."""
    faults: dict[int, Fault] = {}
    for fault in _faults(block, frame, now_us, bounds):
        faults.setdefault(fault.row, fault)
    return sorted(faults.values())


def _faults(block: Block, frame: Frame, now_us: int, bounds: Bounds) -> Iterator[Fault]:
    yield from _ids(block, frame)
    yield from _times(block, frame, now_us, bounds)
    if "receipt" in frame.columns:
        yield from _receipts(frame, bounds.keys.get(frame.key.project, ()))
    for name, values in frame.columns.items():
        if name in _NEEDED[frame.type]:
            reason = f"{name}: this field is needed in a {frame.type}"
            yield from _rows(~values.valid, "missing_field", reason)
        if name.startswith("feature."):
            continue
        if values.kind == NUMBER and not np.isfinite(values.data).all():
            reason = f"{name}: a finite number is needed"
            yield from _rows(values.valid & ~np.isfinite(values.data), "not_finite", reason)
        if frame.type == OUTCOME and name == "name":
            bad = [code for code, text in enumerate(values.names) if not 0 < len(text) <= MAX_NAME]
            reason = f"name: 1 to {MAX_NAME} characters are needed"
            yield from _rows(values.valid & np.isin(values.data, bad), "out_of_range", reason)
        if name == "latency_s":
            yield from _rows(values.valid & (values.data < 0), "out_of_range", "latency_s: it cannot be negative")


def _ids(block: Block, frame: Frame) -> Iterator[Fault]:
    valid = block.read("id").valid
    long = lengths(frame.ids)
    if valid is None and long.min(initial=1) > 0 and long.max(initial=1) <= MAX_NAME:
        return  # the usual block
    missing = np.zeros(frame.rows, bool) if valid is None else ~np.frombuffer(valid, bool)
    yield from _rows(missing | (long == 0), "missing_field", "id: every event needs one, to be told apart and joined")
    yield from _rows(long > MAX_NAME, "out_of_range", f"id: 1 to {MAX_NAME} characters are needed")


def _times(block: Block, frame: Frame, now_us: int, bounds: Bounds) -> Iterator[Fault]:
    valid = block.read("time").valid
    if valid is not None:
        yield from _rows(~np.frombuffer(valid, bool), "missing_field", "time: every event of a block needs one")
    time = frame.time_us
    ahead = now_us + int(bounds.future_s * 1e6)
    oldest = now_us - int(bounds.past_s * 1e6) if bounds.past_s else times.EARLIEST_US
    first, last = max(oldest, times.EARLIEST_US), min(ahead, times.LATEST_US - 1)
    if not time.size or (time.min() >= first and time.max() <= last):
        return  # the usual block
    outside = (time < times.EARLIEST_US) | (time >= times.LATEST_US)
    yield from _rows(outside, "bad_time", "time: a year from 1970 to 2199 is needed")
    for row in np.flatnonzero((time > ahead) & ~outside).tolist():
        yield Fault(
            row, "too_far_ahead", f"time: {times.text(int(time[row]))} is more than {bounds.future_s:g} s ahead"
        )
    if bounds.past_s:
        for row in np.flatnonzero((time < oldest) & ~outside).tolist():
            yield Fault(row, "too_old", f"time: {times.text(int(time[row]))} is more than {bounds.past_s:g} s ago")


def _receipts(frame: Frame, keys: Sequence[bytes]) -> Iterator[Fault]:
    for row, (event_id, token) in enumerate(zip(frame.ids, frame.columns["receipt"].texts(), strict=True)):
        if token is None:
            continue
        try:
            _check_receipt(frame, event_id, token, keys)
        except ReceiptError as error:
            yield Fault(row, error.code, str(error))


def _check_receipt(frame: Frame, event_id: str, token: str, keys: Sequence[bytes]) -> None:
    said = read(token)
    if (said.project, said.model, said.id) != (*frame.key[:2], event_id):
        told = f"{said.project}/{said.model}, id {said.id!a:.80}"
        raise ReceiptError("receipt_foreign", f"receipt: it belongs to {told:.300}, not to this label")
    if not keys:
        raise ReceiptError(
            "receipt_without_key", "receipt: the collector has no key of this project (receipts.keys_file)"
        )
    verified(token, keys)


def _rows(bad: NDArray[np.bool_], code: str, reason: str) -> Iterator[Fault]:
    if bad.any():
        for row in np.flatnonzero(bad).tolist():
            yield Fault(row, code, reason)
