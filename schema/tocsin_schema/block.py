"""Event blocks: many prediction, label or outcome events of one model version, as columns.

The layout follows safetensors: eight bytes with the length of the header (unsigned, little-endian), a JSON header
padded with spaces to a multiple of eight, raw little-endian buffers. The standard library writes it and numpy reads it
without copying. A worked example in hex stands in ``docs/reference/block.md``.

Header::

    {"v": 1, "type": "prediction", "project": "shop", "model": "credit", "version": "3", "rows": 2,
     "producer": "<32 hex digits, random for each process start>", "sequence": 7,
     "columns": [{"name": "time", "dtype": "time", "data": [0, 16]},
                 {"name": "id", "dtype": "str", "data": [16, 20], "offsets": [24, 36]},
                 {"name": "feature.age", "dtype": "f64", "data": [40, 56], "valid": [56, 58]},
                 {"name": "feature.city", "dtype": "dict", "data": [64, 72], "values": ["Lyon", "Nice"]}]}

Ranges are byte offsets into the body that follows the header; each starts at a multiple of eight. ``valid`` is one byte
a row, 0 for a missing value; without it all values are there. ``producer`` and ``sequence`` make a block idempotent; a
block that was spilled and sent again keeps both.

dtypes: ``f64``, ``i64``, ``bool`` (one byte, 0 or 1), ``time`` (i64, microseconds since the Unix epoch, UTC), ``str``
(``offsets``: rows + 1 u32 into ``data``, UTF-8), ``dict`` (u32 codes into ``values``), ``f32[N]`` (an embedding: 2 to
4,096 float32 a row, one row after the other; features only).

Columns by event type: every block has ``time`` and ``id``. prediction: ``feature.NAME``, ``prediction``,
``score.CLASS``, ``segment.NAME``, ``latency_s``, ``trace_id``; label: ``label``, ``receipt``; outcome: ``name``,
``value``.
"""

import json
import sys
from array import array
from contextlib import suppress
from functools import lru_cache
from itertools import accumulate, count
from operator import sub
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

MEDIA_TYPE = "application/vnd.tocsin.block"
PREDICTION, LABEL, OUTCOME = "prediction", "label", "outcome"
TYPES = (PREDICTION, LABEL, OUTCOME)
DTYPES = ("f64", "i64", "bool", "time", "str", "dict")
MAX_HEADER_BYTES = 1 << 20
MAX_ROWS = 1_000_000
MAX_COLUMNS = 1_100
MAX_NAME = 256
MAX_TEXT_BYTES = 65_536
MIN_DIMENSIONS, MAX_DIMENSIONS = 2, 4_096

_LITTLE = "" if sys.byteorder == "little" else "<"
_BYTES = bytes(range(256))
_WIDTH = {"f64": 8, "i64": 8, "time": 8, "bool": 1, "dict": 4}
_CODE: "Any" = {"f64": "d", "i64": "q", "time": "q", "bool": "B", "dict": "I"}


class BlockError(ValueError):
    """The bytes are no event block; the message says what is wrong, where, and what would be right."""


class Column:
    """One column: buffers as they lie in the block. ``data``, ``offsets`` and ``valid`` are bytes or memoryviews."""

    __slots__ = ("data", "dtype", "name", "offsets", "valid", "values")

    def __init__(
        self,
        name: str,
        dtype: str,
        data: "bytes | memoryview",
        *,
        offsets: "bytes | memoryview | None" = None,
        valid: "bytes | memoryview | None" = None,
        values: list[str] | None = None,
    ) -> None:
        self.name = name
        self.dtype = dtype
        self.data = data
        self.offsets = offsets
        self.valid = valid
        self.values = values

    def __repr__(self) -> str:
        return f"Column({self.name!r}, {self.dtype})"

    def to_list(self) -> list[object]:
        """The values as Python objects, None where missing. For tests and small blocks; numpy reads the buffers."""
        items: list[object]
        wide = dimensions(self.dtype)
        if self.dtype == "str":
            ends = memoryview(self.offsets or b"").cast("I")
            raw = bytes(self.data)
            items = [raw[ends[i] : ends[i + 1]].decode() for i in range(len(ends) - 1)]
        elif wide:
            flat = memoryview(self.data).cast("B").cast("f").tolist()
            items = [flat[at : at + wide] for at in range(0, len(flat), wide)]
        else:
            plain = memoryview(self.data).cast("B").cast(_CODE[self.dtype]).tolist()
            names = self.values or []
            if self.dtype == "dict":
                items = [names[code] for code in plain] if names else [None] * len(plain)
            else:
                items = [bool(item) for item in plain] if self.dtype == "bool" else list(plain)
        if self.valid is None:
            return items
        return [item if ok else None for item, ok in zip(items, bytes(self.valid), strict=True)]


class Block:
    """An event block. ``columns`` maps names to columns, in the order of the block; of one that was read they are made
    when somebody asks for them. That one has a ``layout``, by which a reader of many finds its buffers in ``body``."""

    __slots__ = ("_columns", "body", "layout", "model", "producer", "project", "rows", "sequence", "type", "version")

    def __init__(
        self,
        type: str,
        *,
        project: str,
        model: str,
        version: str,
        rows: int,
        producer: str,
        sequence: int,
        columns: dict[str, Column] | None = None,
        layout: "Layout | None" = None,
        body: "bytes | memoryview" = b"",
    ) -> None:
        self.type = type
        self.project = project
        self.model = model
        self.version = version
        self.rows = rows
        self.producer = producer
        self.sequence = sequence
        self.layout = layout
        self.body = memoryview(body)
        self._columns = columns

    @property
    def columns(self) -> dict[str, Column]:
        """The columns by their names."""
        if self._columns is None:
            self._columns = {name: self.read(name) for name in self.layout.places} if self.layout else {}
        return self._columns

    @columns.setter
    def columns(self, columns: dict[str, Column]) -> None:
        self.layout, self._columns = None, columns

    def read(self, name: str) -> Column:
        """One of the columns, without making the others."""
        return self.layout.places[name].column(self.body) if self.layout else self.columns[name]

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Name and dtype of each column."""
        return self.layout.kinds if self.layout else tuple((name, item.dtype) for name, item in self.columns.items())

    def __repr__(self) -> str:
        return (
            f"Block({self.type}, {self.project}/{self.model}@{self.version}, rows={self.rows}, "
            f"producer={self.producer[:8]}, sequence={self.sequence}, columns={[name for name, _ in self.kinds]})"
        )


def dimensions(dtype: str) -> int:
    """How many numbers a row of a dtype has where it is one of vectors; 0 for every other dtype."""
    if not (dtype.startswith("f32[") and dtype.endswith("]")):
        return 0
    told = dtype[4:-1]
    sound = told.isascii() and told.isdigit() and len(told) <= 4 and not told.startswith("0")
    return int(told) if sound and MIN_DIMENSIONS <= int(told) <= MAX_DIMENSIONS else 0


def vectors(count: int) -> str:
    """The dtype of vectors of so many numbers."""
    return f"f32[{count}]"


# --- writing --------------------------------------------------------------------------------------------------------


def column(name: str, values: "Sequence[Any]", dtype: str | None = None) -> Column:
    """Build a column from Python values; None is missing.

    Without ``dtype`` it is inferred: all bool -> bool, all int -> i64, int and float -> f64, anything else -> text,
    which becomes ``dict`` when at most one value in two is distinct. A number beyond 64 bits becomes a float.
    Embeddings are ``array("f")``, all of one length.
    """
    kinds = set(map(type, values))  # `None in values` would compare each of them
    dtype = dtype or _infer(values, kinds)
    if dimensions(dtype):
        return _vector_column(name, values, dtype)
    is_text, valid = dtype in ("str", "dict"), None
    if type(None) in kinds:
        valid = bytes(value is not None for value in values)
        values = [("" if is_text else 0) if value is None else value for value in values]
    if is_text:
        return texts(name, values if kinds == {str} else [*map(_text, values)], dtype, valid)
    return numbers(name, values, dtype, valid)


def numbers(name: str, values: "Sequence[Any]", dtype: str, valid: bytes | None = None) -> Column:
    """A column of numbers of a dtype, none of them None. Raises struct.error where one is no number of that kind."""
    return Column(name, dtype, _packed(_CODE[dtype], values), valid=valid)


def texts(name: str, values: "Sequence[str]", dtype: str, valid: bytes | None = None) -> Column:
    """A column of texts, ``str`` or ``dict``, none of them None."""
    if dtype == "dict":
        # In order: blocks with the same texts have the same table of columns, which their reader then knows.
        codes = dict(zip(sorted(set(values)), count()))
        return Column(name, "dict", _packed("I", [*map(codes.__getitem__, values)]), valid=valid, values=list(codes))
    whole = "".join(values)
    data = whole.encode("utf-8", "replace")
    sizes = [*map(len, values if len(data) == len(whole) else [text.encode("utf-8", "replace") for text in values])]
    # Ids have one length as a rule.
    ends = range(0, len(data) + 1, sizes[0]) if len(set(sizes)) == 1 and sizes[0] else accumulate(sizes, initial=0)
    return Column(name, "str", data, offsets=_packed("I", [*ends]), valid=valid)


def encode(block: Block) -> bytes:
    """The bytes of a block. Two equal blocks give the same bytes.

    Raises BlockError when names and dictionaries have no room in a header: ``decode`` could not read it.
    """
    table: list[dict[str, object]] = []
    parts: list[bytes | memoryview] = []
    at = 0

    def place(buffer: "bytes | memoryview") -> list[int]:
        nonlocal at
        start, size = at, len(buffer)
        parts.append(buffer)
        parts.append(b"\0" * (-size % 8))
        at += size + (-size % 8)
        return [start, start + size]

    for item in block.columns.values():
        entry: dict[str, object] = {"name": item.name, "dtype": item.dtype, "data": place(item.data)}
        if item.offsets is not None:
            entry["offsets"] = place(item.offsets)
        if item.valid is not None:
            entry["valid"] = place(item.valid)
        if item.values is not None:
            entry["values"] = item.values
        table.append(entry)
    head = json.dumps(
        {
            "v": 1,
            "type": block.type,
            "project": block.project,
            "model": block.model,
            "version": block.version,
            "rows": block.rows,
            "producer": block.producer,
            "sequence": block.sequence,
            "columns": table,
        },
        ensure_ascii=False,  # a text grows less, so that part of a block never has a longer header than the whole
        separators=(",", ":"),
    ).encode("utf-8", "surrogatepass")  # a lone surrogate is refused where the block is read, with its place
    head += b" " * (-len(head) % 8)
    if len(head) > MAX_HEADER_BYTES:
        raise BlockError(f"the header has {len(head)} bytes, at most {MAX_HEADER_BYTES}: fewer names, or dict as str")
    return b"".join([len(head).to_bytes(8, "little"), head, *parts])


def _infer(values: "Sequence[Any]", kinds: set[type]) -> str:
    if kinds == {float}:
        return "f64"
    present = [value for value in values if value is not None] if type(None) in kinds else values
    kinds = kinds - {type(None)}
    if kinds == {array}:
        return vectors(len(present[0]))
    if kinds == {bool}:
        return "bool"
    if kinds == {int}:
        return "i64" if min(present) >= -(1 << 63) and max(present) < 1 << 63 else "f64"
    if kinds and kinds <= {int, float}:
        return "f64"
    return "dict" if len(set(present if kinds == {str} else map(str, present))) * 2 <= len(present) else "str"


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _vector_column(name: str, rows: "Sequence[Any]", dtype: str) -> Column:
    nothing = bytes(4 * dimensions(dtype))
    data = b"".join([nothing if row is None else row.tobytes() for row in rows])
    if sys.byteorder == "big":
        data = _little(array("f", data))
    valid = None if all(row is not None for row in rows) else bytes(row is not None for row in rows)
    return Column(name, dtype, data, valid=valid)


def _packed(code: str, values: "Sequence[Any]") -> bytes:
    """Numbers as they lie in a block; ``array`` would take three times as long."""
    return Struct(f"{_LITTLE}{len(values)}{code}").pack(*values)


def _little(values: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


# --- reading --------------------------------------------------------------------------------------------------------


def decode(raw: "bytes | memoryview") -> Block:
    """Read and check a block; buffers are views into ``raw``. Raises BlockError for anything that is not sound."""
    view = memoryview(raw).cast("B").toreadonly()
    if len(view) < 8:
        raise BlockError(f"a block starts with eight bytes of header length, there are {len(view)} bytes in all")
    size = int.from_bytes(view[:8], "little")
    if size > MAX_HEADER_BYTES or 8 + size > len(view):
        raise BlockError(f"header length {size}: at most {MAX_HEADER_BYTES}, and the body has {len(view) - 8} bytes")
    if size % 8:
        raise BlockError(f"header length {size}: pad the header with spaces to a multiple of eight")
    body = view[8 + size :]
    header, layout = _header(bytes(view[8 : 8 + size]), len(body))
    for place in layout.checked:
        place.check(body)
    return Block(
        header["type"],
        project=_name(header, "project", "default"),
        model=_name(header, "model", None),
        version=_name(header, "version", ""),
        rows=header["rows"],
        producer=_producer(header),
        sequence=_integer(header, "sequence", (1 << 63) - 1),
        layout=layout,
        body=body,
    )


def _header(text: bytes, body_bytes: int) -> "tuple[dict[str, Any], Layout]":
    """What a header says of the block and, checked, of its columns.

    ``encode`` writes the columns last, and a sender writes the same ones in block after block: as a text of their own
    they are read once. The mark before them stands in no JSON text, where its quotes would be escaped; a header that
    does not end with its columns is read as a whole.
    """
    head, _, table = text.rstrip(b" ").partition(b',"columns":')
    if table.endswith(b"]}"):
        with suppress(json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            header = json.loads(head + b"}")
            return header, _places(header, table[:-1], body_bytes)
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BlockError(f"the header is no JSON: {error}") from None
    columns = header.get("columns") if isinstance(header, dict) else None
    return header, _places(header, json.dumps(columns).encode(), body_bytes)


def _places(header: object, table: bytes, body_bytes: int) -> "Layout":
    if not isinstance(header, dict) or header.get("v") != 1:
        raise BlockError('the header must be a JSON object with "v": 1')
    _one_of(header, "type", TYPES)
    rows = _integer(header, "rows", MAX_ROWS)
    return (_known_layout if len(table) <= _KNOWN_BYTES else _layout)(table, rows, body_bytes)


def _layout(table: bytes, rows: int, body_bytes: int) -> "Layout":
    """The columns of a table of so many rows, in a body of so many bytes."""
    entries = json.loads(table)
    if not isinstance(entries, list) or len(entries) > MAX_COLUMNS:
        raise BlockError(f"header.columns: a list of at most {MAX_COLUMNS} columns is needed")
    places: dict[str, Place] = {}
    used = 0
    for number, entry in enumerate(entries):
        place = _place(entry, number, rows, body_bytes)
        if place.name in places:
            raise BlockError(f"header.columns[{number}]: the name {place.name!r} stands twice")
        places[place.name] = place
        used += place.size
    if used > body_bytes:
        # A small body whose columns all point at the same bytes would become a thousand times as much in memory.
        raise BlockError("header.columns: ranges overlap; each column needs bytes of its own")
    for name, dtypes in (("time", ("time",)), ("id", ("str", "dict"))):
        if name not in places or places[name].dtype not in dtypes:
            raise BlockError(f"header.columns: a column {name!r} of dtype {' or '.join(dtypes)} is needed")
    return Layout(places)


_known_layout = lru_cache(64)(_layout)
_KNOWN_BYTES = 16_384  # of a table that is remembered: with the objects that it becomes, some 10 MB of them at most


class Layout:
    """Where the columns lie in a body, by their names. Blocks whose headers say the same share one, mostly: it is read
    and never written to."""

    __slots__ = ("checked", "gaps", "kinds", "places")

    def __init__(self, places: "dict[str, Place]") -> None:
        self.places = places
        self.kinds = tuple((name, place.dtype) for name, place in places.items())
        self.gaps = [name for name, place in places.items() if place.valid]
        self.checked = [place for place in places.values() if place.valid or place.dtype in ("str", "bool", "dict")]


class Place:
    """Where a column lies in a body, and its dictionary, as the header has it."""

    __slots__ = ("data", "dtype", "name", "number", "offsets", "size", "valid", "values")

    def __init__(self, name: str, dtype: str, number: int, data: slice) -> None:
        self.name = name
        self.dtype = dtype
        self.number = number
        self.data = data
        self.offsets: slice | None = None
        self.valid: slice | None = None
        self.values: list[str] | None = None
        self.size = _length(data)
        """Bytes of the body that are its own."""

    @property
    def where(self) -> str:
        """For messages."""
        return _where(self.number, self.name)

    def column(self, body: memoryview) -> Column:
        """The column."""
        offsets = body[self.offsets] if self.offsets else None
        valid = body[self.valid] if self.valid else None
        return Column(self.name, self.dtype, body[self.data], offsets=offsets, valid=valid, values=self.values)

    def check(self, body: memoryview) -> None:
        """Raise BlockError when what lies there is not sound."""
        data, dtype = body[self.data], self.dtype
        if self.valid and bytes(body[self.valid]).strip(b"\0\1"):
            raise BlockError(f"{self.where}.valid: {_length(self.valid)} bytes of 0 or 1 are needed, one a row")
        if dtype == "str":
            self._check_text(body, data)
        if dtype == "bool" and bytes(data).strip(b"\0\1"):
            raise BlockError(f"{self.where}.data: a bool is a byte of 0 or 1")
        if dtype == "dict" and _points_past(bytes(data), len(self.values or ())):
            raise BlockError(f"{self.where}.data: a code points past {len(self.values or ())} values")

    def _check_text(self, body: memoryview, data: memoryview) -> None:
        packed = array("I", bytes(body[self.offsets or slice(0)]))
        if sys.byteorder == "big":
            packed.byteswap()
        ends = packed.tolist()
        if ends[0] != 0 or ends[-1] != len(data):
            raise BlockError(
                f"{self.where}.offsets: the first must be 0 and the last {len(data)}, the length of the data"
            )
        # Sorting what is sorted is one pass in C; the longest entry only matters when all together are longer than one
        # may be.
        rising = sorted(ends) == ends
        if not rising or (len(data) > MAX_TEXT_BYTES and max(map(sub, ends[1:], ends)) > MAX_TEXT_BYTES):
            raise BlockError(f"{self.where}.offsets: they must rise, by at most {MAX_TEXT_BYTES} bytes an entry")
        try:
            text = bytes(data).decode()
        except UnicodeDecodeError as error:
            raise BlockError(f"{self.where}.data: no UTF-8 at byte {error.start}") from None
        # A cut inside a character leaves each half unreadable though the whole decodes.
        if len(text) != len(data) and any(end < len(data) and data[end] & 0xC0 == 0x80 for end in ends):
            raise BlockError(f"{self.where}.offsets: an offset cuts a UTF-8 character in two")


def _place(entry: object, number: int, rows: int, body_bytes: int) -> Place:
    # One for each column of each block: what is said of a fault is made when there is one.
    if not isinstance(entry, dict):
        raise BlockError(f"header.columns[{number}]: an object is needed")
    name = entry.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or not _is_text(name):
        raise BlockError(f"header.columns[{number}].name: text of 1 to {MAX_NAME} characters is needed")
    dtype = _dtype(entry, number, name)
    place = Place(name, dtype, number, _range(entry, "data", body_bytes, number, name))
    if "valid" in entry:
        place.valid = _range(entry, "valid", body_bytes, number, name)
        place.size += rows
        if _length(place.valid) != rows:
            raise BlockError(f"{place.where}.valid: {rows} bytes of 0 or 1 are needed, one a row")
    if dtype == "str":
        place.offsets = _range(entry, "offsets", body_bytes, number, name)
        size = _length(place.offsets)
        place.size += size
        if size != (rows + 1) * 4:
            raise BlockError(f"{place.where}.offsets: {rows + 1} u32 are {(rows + 1) * 4} bytes, found {size}")
        return place
    width = _WIDTH.get(dtype) or 4 * dimensions(dtype)
    if _length(place.data) != rows * width:
        size = _length(place.data)
        raise BlockError(f"{place.where}.data: {rows} rows of {dtype} are {rows * width} bytes, found {size}")
    if dtype == "dict":
        place.values = _values(entry, number, name)
    return place


def _where(number: int, name: str) -> str:
    return f"header.columns[{number}] ({name})"


def _dtype(entry: dict[str, object], number: int, name: str) -> str:
    value = entry.get("dtype")
    if isinstance(value, str) and (value in DTYPES or dimensions(value)):
        return value
    one = f"{', '.join(DTYPES)} or f32[{MIN_DIMENSIONS}] to f32[{MAX_DIMENSIONS}]"
    raise BlockError(f"{_where(number, name)}.dtype: one of {one} is needed, found {value!r:.80}")


def _range(entry: dict[str, object], key: str, body_bytes: int, number: int, name: str) -> slice:
    span = entry.get(key)
    if not (isinstance(span, list) and len(span) == 2 and type(span[0]) is type(span[1]) is int):
        raise BlockError(f"{_where(number, name)}.{key}: two integers [start, end] are needed")
    start, end = span
    if not 0 <= start <= end <= body_bytes or start % 8:
        where = f"{_where(number, name)}.{key}: [{start}, {end}]"
        raise BlockError(f"{where} must start at a multiple of 8 inside {body_bytes} bytes")
    return slice(start, end)


def _length(span: slice) -> int:
    return span.stop - span.start  # type: ignore[no-any-return]


def _values(entry: dict[str, object], number: int, name: str) -> list[str]:
    values = entry.get("values")
    if not isinstance(values, list) or not set(map(type, values)) <= {str}:
        raise BlockError(f"{_where(number, name)}.values: a list of texts is needed")
    together = "".join(values)
    if len(together) > MAX_TEXT_BYTES and max(map(len, values)) > MAX_TEXT_BYTES:
        raise BlockError(f"{_where(number, name)}.values: a list of texts is needed")
    if not _is_text(together):
        raise BlockError(f"{_where(number, name)}.values: a lone surrogate is no text")
    return values


def _points_past(codes: bytes, values: int) -> bool:
    """Whether one of the u32 codes is too large. Few values, the usual case, are told by bytes: five times as fast."""
    if values <= 256:
        high = codes[1::4] + codes[2::4] + codes[3::4]
        return bool(high.strip(b"\0") or codes[::4].translate(None, _BYTES[:values]))
    packed = array("I", codes)
    if sys.byteorder == "big":
        packed.byteswap()
    return max(packed, default=0) >= values


def _one_of(header: dict[str, object], key: str, allowed: tuple[str, ...]) -> str:
    value = header.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise BlockError(f"header.{key}: one of {', '.join(allowed)} is needed, found {value!r:.80}")
    return value


def _integer(header: dict[str, object], key: str, most: int) -> int:
    value = header.get(key)
    if type(value) is not int or not 0 <= value <= most:
        raise BlockError(f"header.{key}: an integer from 0 to {most} is needed, found {value!r:.80}")
    return value


def _name(header: dict[str, object], key: str, default: str | None) -> str:
    value = header.get(key, default)
    if not isinstance(value, str) or len(value) > MAX_NAME or (not value and default != ""):
        raise BlockError(f"header.{key}: text of at most {MAX_NAME} characters is needed, found {value!r:.80}")
    if not _is_text(value):
        raise BlockError(f"header.{key}: a lone surrogate is no text")
    return value


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _producer(header: dict[str, object]) -> str:
    value = header.get("producer")
    if not isinstance(value, str) or len(value) != 32 or not set(value) <= set("0123456789abcdef"):
        raise BlockError(f"header.producer: 32 hex digits are needed, found {value!r:.80}")
    return value
