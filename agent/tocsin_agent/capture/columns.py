"""From a table of arbitrary Python values to the columns of a block: every value finds a place, none loses the block.

Serving code hands over what its model takes: numpy scalars, enums, decimals, None, NaN, a number that is a text today.
The kind is decided a column: numbers stay numbers (bools among them become 0 and 1), one text makes the column text,
NaN and infinity are missing values; a feature of lists or arrays of numbers is a column of embeddings. What was changed
is counted in ``tocsin_capture_columns_altered_total``.
"""

import json
from contextlib import suppress
from math import isfinite, isnan
from struct import error as StructError  # noqa: N812 - it is one

from tocsin_agent.capture.vectors import alike, apart
from tocsin_schema.block import MAX_COLUMNS, MAX_HEADER_BYTES, MAX_NAME, Column, column, numbers, texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any

    from tocsin_agent.capture.rows import Table
    from tocsin_agent.capture.singles import Columns

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

    def build(self, table: "Table") -> "list[tuple[int, dict[str, Column]]]":
        """The columns, as many as a block takes; their header stays below its limit.

        Rows whose embeddings differ in length are parted, since a block's embeddings have one.
        """
        rows, named = table[0], self._named(table[1])
        room = MAX_HEADER_BYTES - _HEAD_BYTES - sum(_cost(name) + _ENTRY_BYTES for name in named)
        usual: dict[str, Column] = {}
        for name, values in named.items():
            found = self._usual(name, values, room)
            if found is not None:
                usual[name] = found
                room -= sum(map(_cost, found.values or ()))
            self._rest()
        if len(usual) == len(named):
            return [(rows, usual)]
        parts = [*apart((rows, {name: values for name, values in named.items() if name not in usual}))]
        if len(parts) == 1:
            return [(rows, self._columns(named, usual, room))]
        return [(count, self._columns(columns, {}, room)) for count, columns in apart((rows, named))]

    def _named(self, columns: "Columns") -> "Columns":
        """Those whose names a block takes."""
        named: Columns = {}
        room = MAX_HEADER_BYTES - _HEAD_BYTES
        for raw, values in columns.items():
            name = readable(raw)
            room -= _cost(name) + _ENTRY_BYTES
            if len(named) == MAX_COLUMNS or room < 0:
                self._altered("overflow")
                break
            if name.endswith(".") or len(name) > MAX_NAME or name in named:
                self._altered("name")
                continue
            named[name] = values
        return named

    def _columns(self, named: "Columns", usual: dict[str, Column], room: int) -> dict[str, Column]:
        built: dict[str, Column] = {}
        for name, values in named.items():
            item = usual.get(name)
            if item is None:
                item = self._column(name, values, max(room, 0))
                room -= sum(map(_cost, item.values or ()))
                self._rest()
            built[name] = item
        return built

    def _usual(self, name: str, values: "Sequence[Any]", room: int) -> Column | None:
        """The column of values that all are texts, or finite numbers of the kind that the block before had; else None.

        Packing numbers finds that out at a tenth of the price of asking for their types.
        """
        wanted = _wanted(name)
        dtype = wanted or self._dtypes.get(name)
        if dtype in ("f64", "i64", "time"):
            try:
                found = numbers(name, values, dtype)
            except Exception:  # struct's own error, or that of a foreign object
                return None
            # The highest byte of a double is 7F or FF from 2**1009 on; infinity and NaN are there.
            high = found.data[7::8] if dtype == "f64" else b""
            return None if b"\x7f" in high or b"\xff" in high else found
        if set(map(type, values)) != {str}:
            return None
        distinct = values if wanted == "str" else set(values)
        if not _stays(distinct):
            return None
        return self._remember(texts(name, values, _text_dtype(wanted, distinct, len(values), room)))

    def _column(self, name: str, values: "Sequence[Any]", room: int) -> Column:
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
            return self._remember(self._text(name, values, room, dtype))
        return self._remember(self._numbers(name, values, kinds))

    def _remember(self, item: Column) -> Column:
        if len(self._dtypes) < MAX_COLUMNS:
            self._dtypes[item.name] = item.dtype
        return item

    def _numbers(self, name: str, values: "Sequence[Any]", kinds: "set[type]") -> Column:
        if kinds <= {bool, type(None)}:
            return column(name, values, "bool")
        if float not in kinds:
            with suppress(StructError):  # beyond 64 bits
                return column(name, values, "i64")
        if kinds <= {float, type(None)}:
            present = [None if value is None or value != value else value for value in values]  # noqa: PLR0124 - NaN
            if all(map(isfinite, filter(None, present))):
                return column(name, present, "f64")
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

    def _text(self, name: str, values: "Sequence[Any]", room: int, dtype: str | None) -> Column:
        cut: list[Any] = [None if value is None else self._cut(value) for value in values]
        return column(name, cut, _text_dtype(dtype, set(cut) - {None}, len(cut), room))

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


def _text_dtype(wanted: str | None, distinct: "Collection[str]", rows: int, room: int) -> str:
    """Whether a column of texts has a dictionary: where they repeat, and it finds room in the header."""
    repeated = wanted != "str" and len(distinct) * 2 <= rows and sum(map(_cost, distinct)) <= room
    return "dict" if repeated else "str"


def _stays(texts: "Collection[str]") -> bool:
    """Whether texts can be sent as they are."""
    if max(map(len, texts), default=0) > MAX_TEXT:
        return False
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


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
