"""From a table of arbitrary Python values to the columns of a block: every value finds a place, none loses the block.

Serving code hands over what its model takes: numpy scalars, enums, decimals, None, NaN, a number that is a text today.
The kind is decided a column: numbers stay numbers (bools among them become 0 and 1), one text makes the column text,
NaN and infinity are missing values; a feature of lists or arrays of numbers is a column of embeddings. What was changed
is counted in ``tocsin_capture_columns_altered_total``.
"""

import json
from contextlib import suppress
from math import isfinite, isnan

from tocsin_agent.capture.vectors import alike
from tocsin_schema.block import MAX_COLUMNS, MAX_HEADER_BYTES, MAX_NAME, Column, column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tocsin_agent.capture.rows import Table

MAX_TEXT = 8_192
"""Characters of one value; what is longer is cut. A longer text is no category, and it stays below a block's limit."""

FIXED = {
    "time": "time",
    "id": "str",
    "value": "f64",
    "latency_s": "f64",
    "trace_id": "str",
    "name": "text",
    "receipt": "str",
}
PREFIXED = (("score.", "f64"), ("segment.", "text"))
PLAIN = frozenset((bool, int, float, str, type(None)))
NOTHING = frozenset((type(None),))

_ENTRY_BYTES = 160  # of a column in the header, without its name and values
_HEAD_BYTES = 16_384  # of the rest of the header


class Builder:
    """Makes the columns of one event type of one model version.

    It remembers each column's dtype, so that a block in which a feature is missing throughout keeps its kind.
    ``altered(reason)`` counts; ``rest()`` is called between two columns, to let other threads have the interpreter.
    """

    __slots__ = ("_altered", "_dtypes", "_rest")

    def __init__(self, altered: "Callable[[str], None]", rest: "Callable[[], None]") -> None:
        self._altered = altered
        self._rest = rest
        self._dtypes: dict[str, str] = {}

    def build(self, table: "Table") -> dict[str, Column]:
        """The columns, as many as a block takes; their header stays below its limit."""
        named: dict[str, list[Any]] = {}
        room = MAX_HEADER_BYTES - _HEAD_BYTES
        for raw, values in table[1].items():
            name = readable(raw)
            room -= _cost(name) + _ENTRY_BYTES
            if len(named) == MAX_COLUMNS or room < 0:
                self._altered("overflow")
                break
            if name.endswith(".") or len(name) > MAX_NAME or name in named:
                self._altered("name")
                continue
            named[name] = values
        built: dict[str, Column] = {}
        for name, values in named.items():
            built[name] = item = self._column(name, values, max(room, 0))
            room -= sum(map(_cost, item.values or ()))
            self._rest()
        return built

    def _column(self, name: str, values: "list[Any]", room: int) -> Column:
        dtype = _wanted(name)
        if dtype == "time":
            return column(name, values, "time")
        kinds = set(map(type, values))
        if not kinds <= PLAIN and name.startswith("feature."):
            embedded = alike(values)
            if embedded is not None:
                if embedded[1]:
                    self._altered("mixed")
                return self._remember(column(name, [*embedded[0]]))
        if not kinds <= PLAIN:
            values = [self._plain(value) for value in values]
            kinds = set(map(type, values))
        if dtype == "f64" and not kinds <= {float, type(None)}:
            values = [self._number(value) for value in values]
            kinds = set(map(type, values))
        if kinds <= NOTHING:
            return _missing(name, len(values), dtype or self._dtypes.get(name, "f64"))
        if str in kinds or dtype in ("str", "text"):
            if kinds - {str} - NOTHING and dtype is None:
                self._altered("mixed")
            return self._remember(self._text(name, values, kinds, room, dtype))
        return self._remember(self._numbers(name, values, kinds))

    def _remember(self, item: Column) -> Column:
        if len(self._dtypes) < MAX_COLUMNS:
            self._dtypes[item.name] = item.dtype
        return item

    def _numbers(self, name: str, values: "list[Any]", kinds: "set[type]") -> Column:
        # A sum is finite only where all of it is, and ten times as fast as looking at each.
        if kinds == {float} and (isfinite(sum(values)) or all(map(isfinite, values))):
            return column(name, values, "f64")
        if kinds <= {bool, type(None)}:
            return column(name, values, "bool")
        if float not in kinds:
            with suppress(OverflowError):  # beyond 64 bits
                return column(name, values, "i64")
        return column(name, [self._number(value) for value in values], "f64")

    def _number(self, value: object) -> float | None:
        if value is None:
            return None
        try:
            number = float(value)  # type: ignore[arg-type]
        except (ValueError, OverflowError):
            self._altered("nonfinite" if isinstance(value, int) else "mixed")
            return None
        if isfinite(number):
            return number
        if not isnan(number):  # NaN is how serving code writes a missing value, infinity is a fault
            self._altered("nonfinite")
        return None

    def _text(self, name: str, values: "list[Any]", kinds: "set[type]", room: int, dtype: str | None) -> Column:
        texts = (
            values if _plain_text(values, kinds) else [None if value is None else self._cut(value) for value in values]
        )
        if dtype == "str":
            return column(name, texts, "str")
        distinct = set(texts) - {None}
        repeated = len(distinct) * 2 <= len(texts) and sum(map(_cost, distinct)) <= room
        return column(name, texts, "dict" if repeated else "str")

    def _cut(self, value: object) -> str:
        text = value if type(value) is str else str(value)
        if len(text) > MAX_TEXT:
            self._altered("cut")
            text = text[:MAX_TEXT]
        return readable(text)

    def _plain(self, value: object) -> object:
        """A value of one of the types in PLAIN; None for one that cannot even be written as text."""
        try:
            return plain(value)
        except Exception:  # a foreign object's own methods
            self._altered("unreadable")
            return None


def _plain_text(values: "list[Any]", kinds: "set[type]") -> bool:
    """Whether all of them are texts that stay as they are."""
    return kinds == {str} and max(map(len, values)) <= MAX_TEXT and "".join(values).isascii()


def readable(text: str) -> str:
    """The text with what UTF-8 cannot say (a lone surrogate) replaced."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _wanted(name: str) -> str | None:
    for prefix, dtype in PREFIXED:
        if name.startswith(prefix):
            return dtype
    return FIXED.get(name)


def _missing(name: str, rows: int, dtype: str) -> Column:
    """A column without any value, still there, so that the missing ones are counted."""
    return column(name, [None] * rows, "dict" if dtype == "text" else dtype)


def _cost(text: str) -> int:
    """Bytes of a text in the JSON header, at most."""
    return len(text) * (2 if text.isascii() and text.isprintable() else 12) + 3


def _listed(value: object) -> str:
    """A ranking, several labels, grades of items: JSON, as the collector reads them."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def plain(value: "Any") -> object:
    """A value as one of the types in PLAIN: what enums, numpy's scalars, decimals and bytes stand for."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, str):  # an enum's member: its own __str__ tells the member's name, not its value
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list | tuple | dict):
        return _listed(value)
    if callable(getattr(value, "item", None)):  # numpy's and torch's scalars
        inner = value.item()
        return inner if type(inner) in PLAIN else str(inner)
    if hasattr(type(value), "__float__"):  # Decimal, Fraction
        return float(value)
    return str(value)
