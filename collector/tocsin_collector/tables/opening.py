"""A table from what it is given as: a path, the bytes of a file, a data frame, or a dict of arrays."""

import importlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from tocsin_collector.frame import Values, category, embedding
from tocsin_collector.tables import csvtext
from tocsin_collector.tables.table import BATCH_ROWS, Batch, Column, Moments, Table, TableError, checked_head
from tocsin_collector.tables.vectors import VECTOR_ROWS
from tocsin_collector.verdict import NUMBER
from tocsin_schema.block import MAX_DIMENSIONS, MIN_DIMENSIONS

_FORMS = {b"PAR1": "parquet_table", b"ARRO": "ipc_table", b"\xff\xff\xff\xff": "ipc_table"}
"""By a file's first bytes; everything else is CSV."""
_EXTRA = "needs pyarrow: pip install 'tocsin[arrow]'"


def open_table(source: Any, name: str = "") -> Table:
    """The table of a path, of bytes, of a frame (pandas, Polars, pyarrow), or of a mapping of arrays. ``name`` is for
    messages. Raises TableError."""
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        return _of_file(lambda: _open(path), name or path)
    if isinstance(source, bytes):
        return _of_file(lambda: io.BytesIO(source), name or "the file")
    name = name or type(source).__name__
    if isinstance(source, Mapping):
        return _of_arrays(source, name)
    if hasattr(source, "__arrow_c_stream__"):
        arrow = _arrow()
        if arrow is None:
            raise TableError(f"{name}: a data frame {_EXTRA}; or give a dict of arrays")
        table: Table = arrow.frame_table(source, name)
        return table
    raise TableError(f"{name} is no table: a path, a data frame or a dict of arrays is needed")


def is_text(raw: bytes) -> bool:
    """Whether the bytes of a file would be read as CSV."""
    return raw[:4] not in _FORMS


def _open(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise TableError(f"{path}: cannot be read: {error.strerror}") from None


def _of_file(open_file: csvtext.Opener, name: str) -> Table:
    with csvtext.faults_told(name), open_file() as file:
        form = _FORMS.get(file.read(4))
    arrow = _arrow()
    if form is None:
        return csvtext.csv_table(open_file, name) if arrow is None else arrow.csv_table(open_file, name)
    if arrow is None:
        raise TableError(f"{name}: a Parquet or Arrow file {_EXTRA}")
    table: Table = getattr(arrow, form)(open_file, name)
    return table


def _arrow() -> ModuleType | None:
    try:
        return importlib.import_module("tocsin_collector.tables.arrow")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("pyarrow"):
            return None
        raise


def _of_arrays(given: Mapping[Any, Any], name: str) -> Table:
    names = checked_head([str(one) for one in given], name)
    arrays = dict(zip(names, map(_array, given.values()), strict=True))
    shapes = {array.shape[:1] if _is_vectors(array) else array.shape for array in arrays.values()}
    if len(shapes) != 1 or len(shapes.pop()) != 1:
        raise TableError(f"{name}: arrays of one length are needed, of one dimension or, of embeddings, rows x numbers")
    return Table(name, names, lambda wanted: _array_batches(arrays, wanted))


def _array_batches(arrays: dict[str, Any], wanted: Sequence[str]) -> Iterator[Batch]:
    rows = len(next(iter(arrays.values())))
    step = VECTOR_ROWS if any(_is_vectors(arrays[name]) for name in wanted) else BATCH_ROWS
    for start in range(0, rows, step):
        yield {name: _column(arrays[name][start : start + step]) for name in wanted}


def _array(given: Any) -> Any:
    """Rows that are arrays themselves become one array of two dimensions."""
    found = np.asarray(given)
    if found.dtype == object and len(found) and all(isinstance(row, np.ndarray | list | tuple) for row in found):
        lengths = {len(row) for row in found}
        return np.array([*found], np.float32) if len(lengths) == 1 and lengths != {0} else found
    return found


def _is_vectors(array: Any) -> bool:
    sound = array.ndim == 2 and array.dtype.kind in "fiu"
    return bool(sound and MIN_DIMENSIONS <= array.shape[1] <= MAX_DIMENSIONS)


def _column(array: Any) -> Column:
    if array.ndim == 2:
        return embedding(array.astype(np.float32), np.ones(len(array), bool))
    if array.dtype.kind in "fiu":
        return Values(NUMBER, array.astype(np.float64), np.ones(len(array), bool))
    if array.dtype.kind == "M":
        valid = ~np.isnat(array)
        return Moments(array.astype("datetime64[us]").astype(np.int64), valid, int(valid.sum()))
    texts = [None if value is None or value != value else _text(value) for value in array.tolist()]  # noqa: PLR0124
    return category(texts)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
