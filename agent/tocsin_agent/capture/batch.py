"""Many rows given as columns. The caller may overwrite its arrays for the next call, so the values are copied here."""

from tocsin_agent.capture.ids import make
from tocsin_agent.capture.rows import Batch
from tocsin_agent.capture.singles import PARTS
from tocsin_agent.capture.vectors import vector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tocsin_agent.capture.singles import Timed


def batch(
    given: "Mapping[str, Any]",
    features: "Mapping[str, Any] | None",
    scores: "Mapping[str, Any] | None",
    segment: "Mapping[str, Any] | None",
    timed: "Timed | None",
) -> Batch:
    """All columns. Raises ValueError when they differ in length."""
    from time import time

    columns = {name: _listed(value) for name, value in given.items() if value is not None}
    for prefix, part in zip(PARTS.values(), (features, scores, segment), strict=True):
        if part is not None:
            columns.update({f"{prefix}{name}": _listed(value) for name, value in part.items()})
    lengths = {name: len(column) for name, column in columns.items() if isinstance(column, list)}
    rows = max(lengths.values(), default=0)
    short = {name: length for name, length in lengths.items() if length != rows}
    if short:
        raise ValueError(f"predictions: {rows} rows are given, but {short} differ; every column needs the same length")
    columns.setdefault("time", time())
    own = columns.get("id", [None] * rows)
    if not isinstance(own, list):
        raise ValueError(f"predictions: ids is {own!r:.80}; a sequence with the id of each row is needed")  # noqa: TRY004
    columns["id"] = [make() if value is None else str(value) for value in own]
    spread = {name: column if isinstance(column, list) else [column] * rows for name, column in columns.items()}
    return Batch({"id": spread.pop("id"), **spread}, rows, timed)


def names(ids: "Any", prediction: "Any", features: "Mapping[str, Any] | None") -> list[str]:
    """The ids alone, for a capture that sends nothing. Raises StopIteration when there is no column at all."""
    if ids is not None:
        return [str(value) for value in ids]
    columns = [prediction] if features is None else [prediction, *features.values()]
    return [make() for _ in range(len(next(column for column in columns if column is not None)))]


def _listed(value: "Any") -> "Any":
    """A copy as a list; one value (a text, a number, a datetime) as it is."""
    if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
        return value
    if getattr(getattr(value, "dtype", None), "kind", "") == "M":
        return list(value)  # of times, which numpy would make numbers of
    if getattr(value, "ndim", 1) == 2:  # embeddings, a row each
        return [vector(row) or row.tolist() for row in value]
    return value.tolist() if hasattr(value, "tolist") else list(value)
