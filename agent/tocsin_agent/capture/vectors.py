"""Embeddings: whatever serving code has them in becomes the standard library's arrays of float32."""

from array import array
from collections import Counter

from tocsin_schema.block import MAX_DIMENSIONS, MIN_DIMENSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Vector: TypeAlias = array[float]


def vector(value: "Any") -> "Vector | None":
    """A list, tuple or array of 2 to 4,096 numbers (of one dimension) as float32, copied; None for anything else."""
    try:
        sound = not isinstance(value, str | bytes) and MIN_DIMENSIONS <= len(value) <= MAX_DIMENSIONS
        return _copied(value) if sound else None
    except (TypeError, ValueError, OverflowError):
        return None


def alike(values: "list[Any]") -> "tuple[list[Vector | None], bool] | None":
    """The vectors of a column, all of the length that most of them have, and whether something else was there, which is
    missing now; None for a column without a vector."""
    found = [None if value is None else vector(value) for value in values]
    lengths = Counter(len(one) for one in found if one is not None)
    if not lengths:
        return None
    usual = lengths.most_common(1)[0][0]
    kept = [one if one is not None and len(one) == usual else None for one in found]
    return kept, any(one is None and value is not None for one, value in zip(kept, values, strict=True))


def _copied(value: "Any") -> "Vector | None":
    if isinstance(value, list | tuple):
        return array("f", value) if all(map(_is_number, set(map(type, value)))) else None
    if hasattr(type(value), "__buffer__") or isinstance(value, array) or hasattr(value, "__array_interface__"):
        view = memoryview(value)
        if view.ndim == 1 and view.format == "f" and view.contiguous:
            return array("f", view.tobytes())
    listed = value.tolist() if hasattr(value, "tolist") else None
    return _copied(listed) if isinstance(listed, list) else None


def _is_number(kind: type) -> bool:
    """Python's numbers and numpy's, whatever was derived from them; no truth values."""
    return (issubclass(kind, int | float) or hasattr(kind, "dtype")) and kind is not bool
