"""Embeddings: whatever serving code has them in becomes the standard library's arrays of float32."""

from array import array
from collections import Counter

from tocsin_schema.block import MAX_DIMENSIONS, MIN_DIMENSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, TypeAlias

    from tocsin_agent.capture.rows import Table

    Vector: TypeAlias = array[float]
MOST_LENGTHS = 4
"""Lists of more lengths than these are no embeddings: tokens, say. They stay texts."""


def vector(value: "Any") -> "Vector | None":
    """A list, tuple or array of 2 to 4,096 numbers (of one dimension) as float32, copied; None for anything else."""
    try:
        sound = not isinstance(value, str | bytes) and MIN_DIMENSIONS <= len(value) <= MAX_DIMENSIONS
        return _copied(value) if sound else None
    except Exception:  # a foreign object's own methods
        return None


def alike(values: "Sequence[Any]") -> "tuple[list[Vector | None], bool] | None":
    """The vectors of a column, all of the length that most of them have, and whether something else was there, which is
    missing now; None for a column that is none of embeddings."""
    found = [None if value is None else vector(value) for value in values]
    lengths = Counter(len(one) for one in found if one is not None)
    if not 0 < len(lengths) <= MOST_LENGTHS:
        return None
    usual = lengths.most_common(1)[0][0]
    kept = [one if one is not None and len(one) == usual else None for one in found]
    return kept, any(one is None and value is not None for one, value in zip(kept, values, strict=True))


def apart(given: "Table") -> "Iterable[Table]":
    """The rows of a table by the lengths of their embeddings: in a block each has one."""
    columns = given[1]
    for name, values in columns.items():
        if not name.startswith("feature.") or not any(map(_has_length, set(map(type, values)))):
            continue
        found = [vector(value) for value in values]
        lengths = [0 if one is None else len(one) for one in found]
        known = [*Counter(length for length in lengths if length)]
        if 1 < len(known) <= MOST_LENGTHS:
            for length in known:
                # What is missing goes with the first.
                rows = [at for at, one in enumerate(lengths) if one == length or (not one and length == known[0])]
                yield from apart((len(rows), {key: [own[at] for at in rows] for key, own in columns.items()}))
            return
    yield given


def _copied(value: "Any") -> "Vector | None":
    if isinstance(value, list | tuple):
        return array("f", value) if all(map(_is_number, set(map(type, value)))) else None
    if hasattr(type(value), "__buffer__") or isinstance(value, array) or hasattr(value, "__array_interface__"):
        view = memoryview(value)
        if view.ndim == 1 and view.format == "f" and view.contiguous:
            return array("f", view.tobytes())
    listed = value.tolist() if hasattr(value, "tolist") else None
    return _copied(listed) if isinstance(listed, list) else None


def _has_length(kind: type) -> bool:
    return hasattr(kind, "__len__") and not issubclass(kind, str | bytes)


def _is_number(kind: type) -> bool:
    """Python's numbers and numpy's, whatever was derived from them; no truth values."""
    return (issubclass(kind, int | float) or hasattr(kind, "dtype")) and kind is not bool
