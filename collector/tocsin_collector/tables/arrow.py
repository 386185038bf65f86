"""Tables through pyarrow: Parquet, Arrow files and streams, data frames, and CSV files faster than by the standard
library. Imported by the first table that needs it; without the extra `arrow` CSV files alone can be read."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tocsin_collector.frame import Values, embedding
from tocsin_collector.numerals import ODD
from tocsin_collector.tables.cells import ABSENT, TextCells
from tocsin_collector.tables.csvtext import RAGGED, Opener, faults_told, head, opened, ragged_note
from tocsin_collector.tables.table import BATCH_ROWS, Batch, Column, Moments, Table, TableError, checked_head
from tocsin_collector.tables.vectors import VECTOR_ROWS, is_vector, vectors_of
from tocsin_collector.verdict import CATEGORY, NUMBER
from tocsin_schema.block import MAX_DIMENSIONS, MIN_DIMENSIONS

_BLOCK_BYTES = 8 << 20
_STREAM = b"\xff\xff\xff\xff"


class ArrowCells:
    """A column of texts out of a CSV file."""

    def __init__(self, texts: pa.Array) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def sliced(self, rows: slice) -> "ArrowCells":
        """Some of the rows."""
        return ArrowCells(self._texts.take(pa.array(np.arange(*rows.indices(len(self))))))

    def numeric(self) -> bool:
        """Whether every cell is a number or missing."""
        return self._floats() is not None or self._plain().numeric()

    def number(self) -> Values:
        """As numbers. What is no number is infinite: both are counted as invalid."""
        floats = self._floats()
        return self._plain().number() if floats is None else _number(floats)

    def category(self) -> Values:
        """As categories; an empty cell is missing."""
        return _category(self._texts)

    def moments(self) -> Moments:
        """As times."""
        for zone in ("UTC", None):
            try:
                return _moments(pc.cast(self._texts, pa.timestamp("us", zone)))
            except pa.ArrowInvalid:
                continue
        return self._plain().moments()

    def _plain(self) -> TextCells:
        return TextCells(self._texts.to_pylist())

    def _floats(self) -> pa.Array | None:
        """None when some cell is no number, or one in a form that Arrow does not know."""
        if pc.any(pc.match_substring_regex(self._texts, ODD)).as_py():
            return None
        absent = pc.is_in(self._texts, pa.array(sorted(ABSENT), self._texts.type))
        try:
            return pc.cast(pc.if_else(absent, None, self._texts), pa.float64())
        except pa.ArrowInvalid:
            return None


def csv_table(open_file: Opener, name: str) -> Table:
    """A CSV file. Every column is read as text: the reader's own guess holds for the first block only."""
    table = Table(name, head(open_file, name), lambda wanted: _csv_batches(table, open_file, wanted))
    return table


def _csv_batches(table: Table, open_file: Opener, wanted: Sequence[str]) -> Iterator[Batch]:
    width = len(table.columns)

    def ragged(row: Any) -> str:
        table.note(RAGGED, ragged_note(width, row.text))
        return "skip"

    with faults_told(table.name), _told(table.name), opened(open_file) as file:
        if not file.read(1):
            return
        file.seek(0)
        reader = pyarrow.csv.open_csv(
            file,
            pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=ragged),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.string()), include_columns=list(wanted), strings_can_be_null=False
            ),
        )
        for batch in reader:
            yield {name: ArrowCells(array) for name, array in zip(wanted, batch.columns, strict=True)}


def parquet_table(open_file: Opener, name: str) -> Table:
    """A Parquet file, read a batch of rows at a time."""
    with _told(name), open_file() as file:
        schema = pq.ParquetFile(file).schema_arrow
    table = Table(name, [], lambda wanted: _parquet_batches(table, open_file, wanted, texts, vectors))
    table.columns = _usable(table, schema)
    texts = [
        one for one in table.columns if _is_text(_inner(schema.field(one).type))
    ]  # stay codes, however long they are
    vectors = [one for one in table.columns if is_vector(pa.types, schema.field(one).type)]
    return table


def _parquet_batches(
    table: Table, open_file: Opener, wanted: Sequence[str], texts: Sequence[str], vectors: Sequence[str]
) -> Iterator[Batch]:
    with _told(table.name), open_file() as file:
        parts = pq.ParquetFile(file, read_dictionary=[name for name in texts if name in wanted])
        rows = VECTOR_ROWS if any(name in wanted for name in vectors) else BATCH_ROWS
        yield from _columns(table, parts.iter_batches(rows, columns=list(wanted), use_threads=False), wanted)


def ipc_table(open_file: Opener, name: str) -> Table:
    """An Arrow file (Feather) or stream."""
    with _told(name), open_file() as file:
        schema = _ipc(file).schema
    table = Table(name, [], lambda wanted: _ipc_batches(table, open_file, wanted))
    table.columns = _usable(table, schema)
    return table


def _ipc_batches(table: Table, open_file: Opener, wanted: Sequence[str]) -> Iterator[Batch]:
    with _told(table.name), open_file() as file:
        reader = _ipc(file)
        parts = (
            reader
            if isinstance(reader, pa.RecordBatchReader)
            else map(reader.get_batch, range(reader.num_record_batches))
        )
        for part in parts:
            part.validate(full=True)
            yield from _columns(table, _pieces(part), wanted)


def _ipc(file: Any) -> Any:
    stream = file.read(4) == _STREAM
    file.seek(0)
    return pa.ipc.open_stream(file) if stream else pa.ipc.open_file(file)


def frame_table(frame: Any, name: str) -> Table:
    """A data frame of pandas, Polars or pyarrow: whatever speaks Arrow's C stream interface."""
    with _told(name):
        held = pa.table(frame)
    table = Table(
        name, [], lambda wanted: _columns(table, held.select(list(wanted)).to_batches(max_chunksize=BATCH_ROWS), wanted)
    )
    table.columns = _usable(table, held.schema)
    return table


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    return (batch.slice(start, BATCH_ROWS) for start in range(0, batch.num_rows, BATCH_ROWS))


def _usable(table: Table, schema: pa.Schema) -> list[str]:
    try:
        return _chosen(table, schema)
    except UnicodeDecodeError:
        raise TableError(f"{table.name}: the name of a column is not UTF-8") from None


def _chosen(table: Table, schema: pa.Schema) -> list[str]:
    names = checked_head(schema.names, table.name)
    for field in schema:
        kind = _inner(field.type)
        if not (_is_text(kind) or is_vector(pa.types, field.type) or any(test(kind) for test, _ in _CONVERSIONS)):
            what = "is no number, text, boolean, time or list of floats"
            table.note(field.name, f"column {field.name!r:.80} is left out: a {field.type!s:.60} {what}")
            names.remove(field.name)
    return [name for name in names if not name.startswith("__index_level_")]


def _columns(table: Table, parts: Iterable[pa.RecordBatch], wanted: Sequence[str]) -> Iterator[Batch]:
    for part in parts:
        for start in range(0, max(part.num_rows, 1), _rows_at_once(part, wanted)):
            piece = part.slice(start, _rows_at_once(part, wanted))
            yield {name: _column(table, name, piece.column(name)) for name in wanted}


def _rows_at_once(part: pa.RecordBatch, wanted: Sequence[str]) -> int:
    """Vectors are wide: fewer rows of them are held."""
    return VECTOR_ROWS if any(is_vector(pa.types, part.column(name).type) for name in wanted) else BATCH_ROWS


def _column(table: Table, name: str, array: pa.Array) -> Column:
    if is_vector(pa.types, array.type):
        return _embedding(table, name, array)
    if _is_text(_inner(array.type)):
        return _category(array)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return next(convert for test, convert in _CONVERSIONS if test(array.type))(array)


def _inner(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _embedding(table: Table, name: str, array: pa.Array) -> Values:
    """Vectors of the length that most of them have; those of another one are missing, and told."""
    found = vectors_of(pa, array)
    wide = found.data.shape[1]
    if len(found.others):
        table.note(f"length of {name}", f"vectors of column {name!r:.80} without its {wide} numbers are left out")
    if not MIN_DIMENSIONS <= wide <= MAX_DIMENSIONS:
        if found.valid.any():
            raise TableError(
                f"{table.name}: column {name!r:.80}: an embedding has {MIN_DIMENSIONS} to {MAX_DIMENSIONS} numbers, "
                f"found {wide}"
            )
        return Values(NUMBER, np.zeros(len(array)), np.zeros(len(array), bool))
    return embedding(found.data, found.valid)


def _category(array: pa.Array) -> Values:
    if not pa.types.is_dictionary(array.type):
        if pa.types.is_string_view(array.type):
            array = pc.cast(array, pa.large_string())
        array = array.dictionary_encode()
    names = [name or "" for name in array.dictionary.to_pylist()]
    valid, codes = _valid(array), pc.fill_null(array.indices, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    if "" in names:
        valid = valid & np.array([bool(name) for name in names])[codes]
    return Values(CATEGORY, codes, valid, names)


def _number(array: pa.Array) -> Values:
    floats = pc.fill_null(pc.cast(array, pa.float64(), safe=False), 0.0)
    return Values(NUMBER, floats.to_numpy(zero_copy_only=False), _valid(array))


def _bool(array: pa.Array) -> Values:
    codes = pc.fill_null(array, False).to_numpy(zero_copy_only=False).astype(np.int64)
    return Values(CATEGORY, codes, _valid(array), ["false", "true"])


def _moments(array: pa.Array) -> Moments:
    """A timestamp without a zone is taken for UTC, and said to be."""
    zone = array.type.tz if pa.types.is_timestamp(array.type) else None
    whole = pc.cast(pc.cast(array, pa.timestamp("us", zone), safe=False), pa.int64())
    valid = _valid(array)
    us = pc.fill_null(whole, 0).to_numpy(zero_copy_only=False)
    return Moments(us, valid, 0 if zone else int(valid.sum()))


def _valid(array: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    return found


_CONVERSIONS = (
    (pa.types.is_boolean, _bool),
    (
        lambda kind: any(test(kind) for test in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)),
        _number,
    ),
    (pa.types.is_null, _number),
    (lambda kind: pa.types.is_timestamp(kind) or pa.types.is_date(kind), _moments),
)


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error, TableError):
            raise
        text = " ".join(str(error).split())
        if "invalid UTF8" in text:
            text = "the file is not UTF-8; iconv -f LATIN1 -t UTF-8 converts a file of Western Europe"
        raise TableError(f"{name}: {text}"[:300]) from None
