"""Blocks as Arrow tables.

Columns keep their names. A dictionary becomes plain text, since what codes mean differs from block to block; Parquet
makes its own. `version` stands in a column, project and model in the path of the file.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tocsin_schema.block import Block, Column, dimensions

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
Types = dict[str, str]
"""The types of columns by their names, as Arrow writes them."""
_TYPES = {
    "f64": "double",
    "i64": "int64",
    "bool": "bool",
    "time": "timestamp[us, tz=UTC]",
    "str": "string",
    "dict": "string",
}
_VECTORS = "fixed_size_list<item: float>"


def types(block: Block) -> Types:
    """Those of a block's columns."""
    return {name: _type_of(item.dtype) for name, item in block.columns.items()}


def _type_of(dtype: str) -> str:
    wide = dimensions(dtype)
    return f"{_VECTORS}[{wide}]" if wide else _TYPES[dtype]


def fitting(items: Iterable[T], types_of: Callable[[T], Types]) -> list[tuple[Types, list[T]]]:
    """Items in as few groups that have one type a column, and their types: a feature that is text here and a number
    there makes two groups, one that comes and goes does not."""
    groups: list[tuple[Types, list[T]]] = []
    for item in items:
        own = types_of(item)
        for known, alike in groups:
            if known == own or all(known.get(name, kind) == kind for name, kind in own.items()):
                known.update(own)
                alike.append(item)
                break
        else:
            groups.append((dict(own), [item]))
    return groups


def table(block: Block) -> "pa.Table":
    """The rows of a block that was decoded, which has checked it: its buffers as they are, but for the validity, which
    Arrow has in bits."""
    import pyarrow as pa

    columns = {name: _array(item, block.rows) for name, item in block.columns.items()}
    columns["version"] = pa.repeat(pa.scalar(block.version, pa.string()), block.rows)
    return pa.table(columns)


def gathered(blocks: Sequence[Block], kinds: Types) -> "pa.Table":
    """The rows of blocks with these types, by way of Python's values: of a few rows each that costs less."""
    import pyarrow as pa

    columns: dict[str, list[object]] = {name: [] for name in kinds}
    versions: list[str] = []
    for block in blocks:
        versions += [block.version] * block.rows
        for name, values in columns.items():
            item = block.columns.get(name)
            values.extend([None] * block.rows if item is None else item.to_list())
    arrays = {name: pa.array(values, _type(kinds[name])) for name, values in columns.items()}
    return pa.table(arrays | {"version": pa.array(versions, pa.string())})


def _type(name: str) -> "pa.DataType":
    import pyarrow as pa

    if name.startswith(_VECTORS):
        return pa.list_(pa.float32(), int(name[len(_VECTORS) + 1 : -1]))
    return pa.timestamp("us", "UTC") if name.startswith("timestamp") else pa.type_for_alias(name)


def _array(item: Column, rows: int) -> "pa.Array":
    import pyarrow as pa

    valid = None if item.valid is None else _bits(item.valid)
    data = pa.py_buffer(item.data)
    if item.dtype == "str":
        return pa.Array.from_buffers(pa.string(), rows, [valid, pa.py_buffer(item.offsets or b""), data])
    if item.dtype == "bool":
        return pa.Array.from_buffers(pa.bool_(), rows, [valid, _bits(item.data)])
    if item.dtype == "dict":
        codes = pa.Array.from_buffers(pa.int32(), rows, [valid, data])
        return pa.array(item.values or [], pa.string()).take(codes)
    kind = _type(_type_of(item.dtype))
    wide = dimensions(item.dtype)
    if wide:
        numbers = pa.Array.from_buffers(pa.float32(), rows * wide, [None, data])
        return pa.Array.from_buffers(kind, rows, [valid], children=[numbers])
    return pa.Array.from_buffers(kind, rows, [valid, data])


def _bits(flags: bytes | memoryview) -> "pa.Buffer":
    import pyarrow as pa

    return pa.py_buffer(np.packbits(np.frombuffer(flags, np.uint8), bitorder="little"))
