"""Lists of floats of an Arrow array as vectors: rows x dimensions."""

from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

MOST_BYTES = 1 << 30
"""Of the vectors of one array."""


VECTOR_ROWS = 4_096
"""So many rows of a table with vectors are held at once: 64 MiB of the longest."""


class Found(NamedTuple):
    """``data`` is float32, rows x the length that most rows have; rows of ``others`` have another one and count as
    missing. A number that is missing within a vector is NaN."""

    data: NDArray[np.float32]
    valid: NDArray[np.bool_]
    others: NDArray[np.intp]


def is_vector(types: Any, kind: "pa.DataType") -> bool:
    """Whether a type is one of lists of floats: what embeddings come as."""
    listed = types.is_fixed_size_list(kind) or types.is_list(kind) or types.is_large_list(kind)
    return bool(listed and types.is_floating(kind.value_type))


def vectors_of(arrow: ModuleType, array: "pa.Array") -> Found:
    """The vectors of an array whose type ``is_vector``. Raises ValueError where they would take too much memory."""
    valid: NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
    numbers = _floats(arrow, array)
    if arrow.types.is_fixed_size_list(array.type):
        lengths = np.where(valid, array.type.list_size, 0)
    else:
        lengths = arrow.compute.fill_null(arrow.compute.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    wide = int(np.bincount(lengths[valid]).argmax()) if valid.any() else 0
    if 4 * wide * len(array) > MOST_BYTES:
        raise ValueError(f"{len(array)} vectors of {wide} numbers are more than {MOST_BYTES} bytes; take fewer rows")
    is_usual = valid & (lengths == wide)
    data = np.zeros((len(array), wide), np.float32)
    data[is_usual] = numbers[np.repeat(is_usual, lengths)].reshape(int(is_usual.sum()), wide)
    return Found(data, is_usual, np.flatnonzero(valid & ~is_usual))


def _floats(arrow: ModuleType, array: "pa.Array") -> NDArray[np.float32]:
    """The numbers of all lists that are there, one after the other."""
    flat = array.flatten()
    whole = arrow.compute.cast(flat, arrow.float32(), safe=False)
    return np.asarray(arrow.compute.fill_null(whole, float("nan")).to_numpy(zero_copy_only=False))
