"""Arrow IPC streams: what pandas, Polars, DuckDB and Spark send without a detour over rows.

A stream has a block's columns under their names (``feature.age``), or structs ``features``, ``scores`` and ``segment``
of them, as the JSON form has. What came is not trusted: every buffer is checked in full (offsets, UTF-8, dictionary
codes), and what it becomes in memory is bounded before it is made.
"""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.arrowsize import inflated_bytes
from tocsin_collector.ingest.events import EventError
from tocsin_collector.ingest.form import Form, Given, binary
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.ingest.package import package
from tocsin_collector.ingest.table import Table, blocks, is_text
from tocsin_collector.tables.vectors import is_vector, vectors_of
from tocsin_schema.block import (
    MAX_COLUMNS,
    MAX_DIMENSIONS,
    MAX_ROWS,
    MAX_TEXT_BYTES,
    MIN_DIMENSIONS,
    Column,
    vectors,
)

if TYPE_CHECKING:
    import pyarrow as pa

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
MAX_MESSAGES = 4_096
_PREFIXES = {"features": "feature.", "scores": "score.", "segment": "segment."}


def parse(body: bytes, given: Given) -> Parsed:
    """The blocks of a stream. Raises Refusal."""
    arrow = package("pyarrow", "arrow", f"content-type {MEDIA_TYPE}")
    for part in ("ipc", "compute"):
        package(f"pyarrow.{part}", "arrow", f"content-type {MEDIA_TYPE}")
    try:
        return blocks(_table(arrow, body, given.most_bytes), given.query, given.now_us)
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise Refusal(400, "malformed_arrow", f"no sound Arrow stream: {' '.join(str(error).split())}"[:300]) from None


def _table(arrow: ModuleType, body: bytes, most_bytes: int) -> Table:
    _check_size(arrow, body, most_bytes)
    read = _read(arrow, body)
    if read.num_rows > MAX_ROWS:
        raise Refusal(413, "too_many_events", f"{read.num_rows} rows in one stream, at most {MAX_ROWS}; split them")
    arrays = dict(_arrays(arrow, read))
    held = sum(_text_bytes(arrow, array) + _vector_bytes(arrow, array) for array in arrays.values())
    if read.num_rows * 9 * len(arrays) + held > most_bytes:
        raise Refusal(413, "too_large", f"more than {most_bytes} bytes as columns; send less in one request")
    found = Table({}, range(read.num_rows))
    for name, array in arrays.items():
        made = _column(arrow, name, array, found.faults)
        if made is not None:
            found.columns[name] = made
    return found


def _check_size(arrow: ModuleType, body: bytes, most_bytes: int) -> None:
    left = most_bytes
    messages = arrow.ipc.MessageReader.open_stream(body)
    for number, message in enumerate(messages):
        left -= inflated_bytes(message.metadata.to_pybytes(), memoryview(message.body or b""))
        if left < 0:
            raise Refusal(413, "too_large", f"more than {most_bytes} bytes after decompression; send less at once")
        if number >= MAX_MESSAGES:
            raise Refusal(
                413, "too_many_batches", f"more than {MAX_MESSAGES} messages in a stream; send larger batches"
            )


def _read(arrow: ModuleType, body: bytes) -> "pa.Table":
    with arrow.ipc.open_stream(body, options=arrow.ipc.IpcReadOptions(use_threads=False)) as stream:
        if len(stream.schema) > MAX_COLUMNS:
            raise Refusal(400, "too_many_columns", f"{len(stream.schema)} columns, at most {MAX_COLUMNS}")
        for name, kind in _leaves(arrow, stream.schema):
            _check_type(arrow.types, name, kind)
        read = stream.read_all()
    read.validate(full=True)
    return read.unify_dictionaries()


def _leaves(arrow: ModuleType, schema: "pa.Schema") -> Iterator[tuple[str, "pa.DataType"]]:
    """The columns by their names in a block, structs of the JSON form taken apart."""
    for field in schema:
        if field.name in _PREFIXES and arrow.types.is_struct(field.type):
            yield from ((_PREFIXES[field.name] + child.name, child.type) for child in field.type)
        else:
            yield field.name, field.type


def _check_type(types: Any, name: str, kind: "pa.DataType") -> None:
    """Refuses by name what no block can hold, before a buffer of it is touched."""
    inner = kind.value_type if types.is_dictionary(kind) else kind
    fits = _is_text_type(types, inner) or types.is_null(inner)
    if is_vector(types, kind):
        needed, fits = "lists of floats in features alone", name.startswith("feature.")
    elif is_text(name):
        needed, fits = "text or integers", fits or types.is_integer(inner)
    else:
        needed = "numbers, decimals, texts, booleans, timestamps or dates"
        fits = fits or any(test(types, inner) for test, _ in _CONVERSIONS)
    if not fits:
        raise Refusal(400, "wrong_type", f"column {name!a:.80}: {needed} are needed, found {kind!s:.80}")


def _is_text_type(types: Any, kind: "pa.DataType") -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _arrays(arrow: ModuleType, read: "pa.Table") -> Iterator[tuple[str, "pa.Array"]]:
    """Every column in one piece by its name in a block, structs of the JSON form taken apart."""
    names = [name for name, _ in _leaves(arrow, read.schema)]
    if len(set(names)) < len(names) or len(names) > MAX_COLUMNS:
        raise Refusal(400, "duplicate_column", f"{len(names)} columns: at most {MAX_COLUMNS}, each name once")
    parts: list[pa.Array] = []
    for field, chunks in zip(read.schema, read.columns, strict=True):
        array = chunks.combine_chunks()
        parts += array.flatten() if arrow.types.is_struct(field.type) else [array]
    return zip(names, parts, strict=True)


def _text_bytes(arrow: ModuleType, array: "pa.Array") -> int:
    """Bytes of a column's text row by row; dictionaries and views let many rows share what stands once."""
    kind = array.type
    if arrow.types.is_dictionary(kind) and _is_text_type(arrow.types, kind.value_type):
        codes = arrow.compute.fill_null(array.indices, 0).to_numpy(zero_copy_only=False)
        lengths = _lengths(arrow, array.dictionary)
        return int(lengths[codes].sum()) if len(lengths) else 0
    return int(_lengths(arrow, array).sum()) if _is_text_type(arrow.types, kind) else 0


def _vector_bytes(arrow: ModuleType, array: "pa.Array") -> int:
    return 4 * len(array.flatten()) if is_vector(arrow.types, array.type) else 0


def _lengths(arrow: ModuleType, array: "pa.Array") -> NDArray[np.int64]:
    """Bytes of each text, 0 where it is missing."""
    if arrow.types.is_string_view(array.type):  # has no kernel: a view is 16 bytes, the first four are its length
        views = np.frombuffer(array.buffers()[1], "<i4")[::4][array.offset : array.offset + len(array)]
        found = views * array.is_valid().to_numpy(zero_copy_only=False)
    else:
        found = arrow.compute.fill_null(arrow.compute.binary_length(array), 0).to_numpy(zero_copy_only=False)
    lengths: NDArray[np.int64] = found.astype(np.int64)
    return lengths


def _column(arrow: ModuleType, name: str, array: "pa.Array", faults: dict[int, EventError]) -> Column | None:
    """The column of a block, None for one without a value."""
    types, kind = arrow.types, array.type
    if types.is_null(kind):
        return None
    if is_vector(types, kind):
        return _vectors(arrow, name, array, faults)
    if types.is_dictionary(kind):
        small = _dictionary(arrow, name, array)
        if small is not None:
            return small
        array, kind = array.dictionary_decode(), kind.value_type
    if is_text(name) or _is_text_type(types, kind):
        return _texts(arrow, name, arrow.compute.cast(array, arrow.large_string()), faults)
    convert = next(convert for fits, convert in _CONVERSIONS if fits(types, kind))
    return convert(arrow, name, array)


def _float(arrow: ModuleType, name: str, array: "pa.Array") -> Column:
    return _packed(arrow, name, "f64", arrow.compute.cast(array, arrow.float64(), safe=False), "<f8")


def _integer(arrow: ModuleType, name: str, array: "pa.Array") -> Column:
    try:
        return _packed(arrow, name, "i64", arrow.compute.cast(array, arrow.int64()), "<i8")
    except arrow.ArrowInvalid:  # beyond 63 bits: a float, as in every other form
        return _float(arrow, name, array)


def _bool(arrow: ModuleType, name: str, array: "pa.Array") -> Column:
    return _packed(arrow, name, "bool", array, "u1")


def _time(arrow: ModuleType, name: str, array: "pa.Array") -> Column:
    """Microseconds since the epoch, UTC. A timestamp without a zone is taken for UTC; nanoseconds lose three digits."""
    unit = array.type.unit if arrow.types.is_timestamp(array.type) else "day"
    zone = array.type.tz if unit != "day" else None
    whole = arrow.compute.cast(array, arrow.timestamp("us", zone), safe=unit != "ns")
    return _packed(arrow, name, "time", whole.cast(arrow.int64()), "<i8")


_CONVERSIONS: tuple[tuple[Callable[[Any, Any], bool], Callable[[ModuleType, str, Any], Column]], ...] = (
    (lambda types, kind: types.is_boolean(kind), _bool),
    (lambda types, kind: types.is_integer(kind), _integer),
    (lambda types, kind: types.is_floating(kind) or types.is_decimal(kind), _float),
    (lambda types, kind: types.is_timestamp(kind) or types.is_date(kind), _time),
)


def _packed(arrow: ModuleType, name: str, dtype: str, array: "pa.Array", numpy_type: str) -> Column:
    filled = arrow.compute.fill_null(array, False if dtype == "bool" else 0) if array.null_count else array
    data = filled.to_numpy(zero_copy_only=False).astype(numpy_type, copy=False).tobytes()
    return Column(name, dtype, data, valid=_valid(array))


def _vectors(arrow: ModuleType, name: str, array: "pa.Array", faults: dict[int, EventError]) -> Column | None:
    """Embeddings of the length that most rows have; a row of another length is refused."""
    found = vectors_of(arrow, array)
    if not MIN_DIMENSIONS <= found.data.shape[1] <= MAX_DIMENSIONS:
        if not found.valid.any():
            return None
        wide = f"{MIN_DIMENSIONS} to {MAX_DIMENSIONS} numbers, found {found.data.shape[1]}"
        raise Refusal(400, "wrong_type", f"column {name!a:.80}: an embedding has {wide}")
    for row in found.others.tolist():
        reason = f"{name:.80}: {found.data.shape[1]} numbers are needed, as in most rows of this stream"
        faults.setdefault(row, EventError("out_of_range", reason))
    valid = None if found.valid.all() else found.valid.astype("u1").tobytes()
    return Column(name, vectors(found.data.shape[1]), found.data.astype("<f4", copy=False).tobytes(), valid=valid)


def _texts(arrow: ModuleType, name: str, array: "pa.Array", faults: dict[int, EventError]) -> Column:
    array = arrow.compute.fill_null(array, "") if (valid := _valid(array)) else array
    lengths = _lengths(arrow, array)
    for row in np.flatnonzero(lengths > MAX_TEXT_BYTES).tolist():
        reason = f"{name:.80}: at most {MAX_TEXT_BYTES} bytes of text, found {lengths[row]}"
        faults.setdefault(row, EventError("out_of_range", reason))
    ends = np.concatenate([[0], np.cumsum(lengths)])
    _, offsets, data = array.buffers()
    start = int(np.frombuffer(offsets, "<i8", 1, 8 * array.offset)[0]) if len(array) else 0
    raw = memoryview(data or b"")[start : start + int(ends[-1])].tobytes()
    return Column(name, "str", raw, offsets=ends.astype("<u4").tobytes(), valid=valid)


def _dictionary(arrow: ModuleType, name: str, array: "pa.Array") -> Column | None:
    """A dictionary of texts as it is; None for one that has to be decoded. Its codes were checked when it was read."""
    values = array.dictionary
    kind = values.type
    if not (arrow.types.is_string(kind) or arrow.types.is_large_string(kind)) or values.null_count:
        return None
    texts = values.to_pylist()
    if not texts or max(map(len, texts)) > MAX_TEXT_BYTES // 4 or len(set(texts)) < len(texts):
        return None
    codes = arrow.compute.fill_null(array.indices, 0) if array.null_count else array.indices
    data = codes.to_numpy(zero_copy_only=False).astype("<u4").tobytes()
    return Column(name, "dict", data, valid=_valid(array), values=texts)


def _valid(array: "pa.Array") -> bytes | None:
    return array.is_valid().to_numpy(zero_copy_only=False).astype("u1").tobytes() if array.null_count else None


FORMS = (
    Form(
        MEDIA_TYPE,
        parse,
        binary("an Arrow IPC stream with the columns of docs/reference/wire.md; needs tocsin[arrow]"),
        inline_bytes=0,  # the first one imports pyarrow
    ),
)
