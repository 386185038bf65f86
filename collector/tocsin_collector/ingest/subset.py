"""Some rows of a block, as a block: what is left of it when others were refused or known."""

import numpy as np
from numpy.typing import NDArray

from tocsin_schema.block import Block, Column, dimensions

_DTYPES = {"f64": "<f8", "i64": "<i8", "time": "<i8", "bool": "u1", "dict": "<u4"}


def take(block: Block, rows: NDArray[np.int64]) -> Block:
    """The rows given, in that order, with the producer and sequence of the whole."""
    return Block(
        block.type,
        project=block.project,
        model=block.model,
        version=block.version,
        rows=len(rows),
        producer=block.producer,
        sequence=block.sequence,
        columns={name: _take(column, rows) for name, column in block.columns.items()},
    )


def used(column: Column) -> Column:
    """A column whose dictionary, if it has one, holds the texts that a row has, and no others."""
    if column.values is None:
        return column
    codes, places = np.unique(np.frombuffer(column.data, "<u4"), return_inverse=True)
    values = [column.values[code] for code in codes.tolist()]
    return Column(column.name, "dict", places.astype("<u4").tobytes(), valid=column.valid, values=values)


def _take(column: Column, rows: NDArray[np.int64]) -> Column:
    valid = None if column.valid is None else np.frombuffer(column.valid, "u1")[rows].tobytes()
    if column.dtype == "str":
        ends = np.frombuffer(column.offsets or b"", "<u4").astype(np.int64)
        starts, ends = ends[:-1][rows], ends[1:][rows]
        data = b"".join([column.data[a:b] for a, b in zip(starts.tolist(), ends.tolist(), strict=True)])
        offsets = np.concatenate([[0], np.cumsum(ends - starts)]).astype("<u4").tobytes()
        return Column(column.name, "str", data, offsets=offsets, valid=valid)
    wide = dimensions(column.dtype)
    cells = (
        np.frombuffer(column.data, "<f4").reshape(-1, wide)
        if wide
        else np.frombuffer(column.data, _DTYPES[column.dtype])
    )
    data = cells[rows].tobytes()
    return Column(column.name, column.dtype, data, valid=valid, values=column.values)
