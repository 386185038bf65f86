"""One event in JSON: checked by hand, so that each message says what was wrong, where, and what would be right.

pydantic was not taken for it: it reads ``true`` and ``"0.5"`` as numbers and lets NaN pass, and its rows cost more
than all the rest of the way in.
"""

import difflib
import json
import math
from array import array
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from tocsin_collector.ingest import times
from tocsin_collector.ingest.headroom import MAX_NAMES_CHARS, names_fit
from tocsin_schema.block import (
    LABEL,
    MAX_DIMENSIONS,
    MAX_NAME,
    MAX_TEXT_BYTES,
    MIN_DIMENSIONS,
    OUTCOME,
    PREDICTION,
    TYPES,
)

MAX_FEATURES = 1_000
MAX_FIELD = MAX_NAME - 16  # leaves room for the column's prefix
_SHORT, _LARGE = 1_000, 1 << 53


class EventError(ValueError):
    """An event is refused: a stable code, and a sentence that names the field."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Event(NamedTuple):
    """A checked event. ``columns`` are its values by the names that they have in a block."""

    type: str
    project: str
    model: str
    version: str
    id: str
    time_us: int
    columns: dict[str, object]


class Repeated(dict[str, object]):
    """An object of a JSON text in which a name stood twice; the parser's hook makes it, the checks refuse it."""


def read(event: object, now_us: int) -> Event:
    """Check one decoded JSON value. Without ``time`` the event happened when it was received. Raises EventError."""
    fields = _object(event, "event")
    kind = fields.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise EventError("unknown_type", f"type: one of {', '.join(TYPES)} is needed, found {_show(kind)}")
    unknown = fields.keys() - FIELDS[kind]
    if unknown:
        raise EventError("unknown_field", _unknown(min(unknown), kind))
    return Event(
        kind,
        name_of(fields, "project", "default"),
        name_of(fields, "model", None),
        name_of(fields, "version", ""),
        name_of(fields, "id", None),
        now_us if fields.get("time") is None else _time(fields["time"]),
        _COLUMNS[kind](fields),
    )


def _prediction(fields: dict[str, object]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for key, prefix, plain, check in (
        ("features", "feature.", (float, int, str), _feature),
        ("scores", "score.", (float, int), _number),
        ("segment", "segment.", (str,), _text),
    ):
        found = {} if fields.get(key) is None else _object(fields[key], key)
        if not found:
            continue
        values = list(found.values())
        if not _are_plain(values, plain):
            values = [None if value is None else check(f"{key}.{name}", value) for name, value in found.items()]
        columns.update(zip(_names(key, prefix, tuple(found)), values, strict=True))
    if len(columns) > MAX_FEATURES:
        raise EventError("too_many_fields", f"features, scores and segment: {len(columns)}, at most {MAX_FEATURES}")
    if not names_fit(columns):
        raise EventError(
            "too_many_fields", f"features, scores and segment: names of at most {MAX_NAMES_CHARS} characters in all"
        )
    columns["prediction"] = _answer("prediction", _present(fields, "prediction"))
    if fields.get("latency_s") is not None:
        columns["latency_s"] = _number("latency_s", fields["latency_s"])
    if fields.get("trace_id") is not None:
        columns["trace_id"] = _text("trace_id", fields["trace_id"])
    return columns


def _label(fields: dict[str, object]) -> dict[str, object]:
    columns: dict[str, object] = {"label": _grades(_present(fields, "label"))}
    if fields.get("receipt") is not None:
        columns["receipt"] = _text("receipt", fields["receipt"])
    return columns


def _outcome(fields: dict[str, object]) -> dict[str, object]:
    return {"name": name_of(fields, "name", None), "value": _number("value", _present(fields, "value"))}


_COMMON = {"type", "project", "model", "version", "id", "time"}
FIELDS: dict[str, set[str]] = {
    PREDICTION: _COMMON | {"features", "prediction", "scores", "latency_s", "segment", "trace_id"},
    LABEL: _COMMON | {"label", "receipt"},
    OUTCOME: _COMMON | {"name", "value"},
}
_COLUMNS: dict[str, Callable[[dict[str, object]], dict[str, object]]] = {
    PREDICTION: _prediction,
    LABEL: _label,
    OUTCOME: _outcome,
}


def _object(value: object, where: str) -> dict[str, object]:
    if isinstance(value, Repeated):
        raise EventError("duplicate_key", f"{where}: a name stands twice in this object")
    if not isinstance(value, dict):
        raise EventError("wrong_type", f"{where}: an object is needed, found {_show(value)}")
    return value


def _present(fields: dict[str, object], key: str) -> object:
    if fields.get(key) is None:
        raise EventError("missing_field", f"{key}: this field is needed in a {fields['type']}")
    return fields[key]


def name_of(fields: dict[str, object], key: str, default: str | None) -> str:
    if default is not None and fields.get(key) is None:
        return default
    value = _text(key, _present(fields, key))
    if len(value) > MAX_NAME or (not value and default != ""):
        raise EventError("out_of_range", f"{key}: 1 to {MAX_NAME} characters are needed, found {len(value)}")
    return value


def _names(key: str, prefix: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of fields; the same names come again with each event."""
    return (_known_columns if sum(map(len, names)) <= _KNOWN_CHARS else _columns)(key, prefix, names)


def _columns(key: str, prefix: str, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not 0 < len(name) <= MAX_FIELD:
            raise EventError("out_of_range", f"{key}: a name has 1 to {MAX_FIELD} characters, found {len(name)}")
    return tuple(prefix + _text(key, name) for name in names)


_known_columns = lru_cache(256)(_columns)
_KNOWN_CHARS = 16_384


def _are_plain(values: list[object], plain: tuple[type, ...]) -> bool:
    """Whether values are missing, or of these types and of the usual ones, that need no closer look."""
    for value in values:
        if type(value) not in plain:
            if value is not None:
                return False
        elif type(value) is str:
            if len(value) > _SHORT or not value.isascii():
                return False
        elif not -_LARGE < value < _LARGE:  # type: ignore[operator]  # neither infinite nor NaN
            return False
    return True


def _value(where: str, value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(where, value)
    if isinstance(value, int | float):
        return _number(where, value)
    raise EventError("wrong_type", f"{where}: a number, a text, true or false is needed, found {_show(value)}")


def _feature(where: str, value: object) -> object:
    return _vector(where, value) if isinstance(value, list) else _value(where, value)


def _vector(where: str, value: list[object]) -> "array[float]":
    """An embedding, as float32."""
    if not MIN_DIMENSIONS <= len(value) <= MAX_DIMENSIONS:
        raise EventError(
            "out_of_range",
            f"{where}: an embedding has {MIN_DIMENSIONS} to {MAX_DIMENSIONS} numbers, found {len(value)}",
        )
    other = next((at for at, item in enumerate(value) if type(item) is not float and type(item) is not int), None)
    if other is not None:
        raise EventError("wrong_type", f"{where}.{other}: an embedding holds numbers, found {_show(value[other])}")
    numbers: Any = value
    try:
        found: array[float] = array("f", numbers)
    except OverflowError:
        found = array("f", [math.inf])
    if not all(map(math.isfinite, found)):
        raise EventError("not_finite", f"{where}: an embedding holds finite numbers within the range of float32")
    return found


def _answer(where: str, value: object) -> object:
    """A value, or a list of items (a ranking, or several labels), which a column holds as JSON."""
    if not isinstance(value, list):
        return _value(where, value)
    for at, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, str | int):
            raise EventError("wrong_type", f"{where}.{at}: a list holds texts or integers, found {_show(item)}")
        if isinstance(item, int):
            _number(f"{where}.{at}", item)
    return _json(where, value)


def _grades(value: object) -> object:
    """A label is what a prediction is, or the grades of a ranking's items by item."""
    if not isinstance(value, dict):
        return _answer("label", value)
    for item, grade in _object(value, "label").items():
        _number(f"label.{item:.80}", grade)
    return _json("label", value)


def _json(where: str, value: object) -> str:
    return _text(where, json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _number(where: str, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EventError("wrong_type", f"{where}: a number is needed, found {_show(value)}")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise EventError(
            "out_of_range", f"{where}: an integer of at most 64 bits is needed; send it as text or as a float"
        )
    if not math.isfinite(value):
        raise EventError(
            "not_finite", f"{where}: NaN and infinities are no JSON; leave a missing value out or send null"
        )
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise EventError("wrong_type", f"{where}: a text is needed, found {_show(value)}")
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise EventError("bad_text", f"{where}: a lone surrogate is no text") from None
    if size > MAX_TEXT_BYTES:
        raise EventError("out_of_range", f"{where}: at most {MAX_TEXT_BYTES} bytes of text, found {size}")
    return value


def _time(value: object) -> int:
    try:
        return times.parse(_text("time", value))
    except EventError:
        raise
    except ValueError as error:
        raise EventError("bad_time", f"time: {_show(value)}: {error}") from None


def _unknown(name: str, kind: str) -> str:
    near = difflib.get_close_matches(name, sorted(FIELDS[kind]), 1)
    return f"{_show(name)}: no field of a {kind}" + (f"; did you mean {near[0]}?" if near else "")


def _show(value: object) -> str:
    """A value as the sender knows it, short, and never a lone surrogate."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 256:
        return "a very long integer"
    return ascii(value) if len(str(value)) <= 60 else ascii(str(value)[:57] + "...")
