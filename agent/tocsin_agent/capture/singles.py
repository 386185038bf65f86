"""Single rows, one after the other in one list, and the columns of many of them.

A call adds all values of its row in one step of the interpreter, which needs no lock, and leaves no object that the
garbage collector would look at (decision 0093).
"""

from itertools import chain
from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, Protocol, TypeAlias

    class Timed(Protocol):
        """A request: its duration is known once it has ended."""

        start_ns: int
        end_ns: int

    Part: TypeAlias = Mapping[Any, Any] | None
    Columns: TypeAlias = dict[str, Sequence[Any]]

COLUMNS = {
    "prediction": ("id", "time", "prediction", "latency_s", "trace_id"),
    "label": ("id", "time", "label", "receipt"),
    "outcome": ("id", "time", "name", "value"),
}
"""The values of a row in their order; a prediction has its ``PARTS`` and its request (or None) after them."""
PARTS = {"features": "feature.", "scores": "score.", "segment": "segment."}
"""The mappings of a prediction and the prefixes of their columns."""
WIDTHS = {type: len(names) for type, names in COLUMNS.items()}
WIDTHS["prediction"] += len(PARTS) + 1

_OPTIONAL = frozenset(("latency_s", "trace_id", "receipt"))
"""No column where every value is missing."""


def columns_of(type: str, values: "list[Any]") -> "Columns":
    """The columns of rows by name."""
    width = WIDTHS[type]
    across = [values[at::width] for at in range(width)]
    named = zip(COLUMNS[type], across, strict=False)
    columns: Columns = {name: column for name, column in named if name not in _OPTIONAL or not _missing(column)}
    if type == "prediction":
        *_, features, scores, segment, requests = across
        for prefix, part in zip(PARTS.values(), (features, scores, segment), strict=True):
            for name, column in gathered(part):
                columns.setdefault(f"{prefix}{name}", column)
        if not _missing(requests):
            latencies = zip(columns.get("latency_s") or [None] * len(requests), requests, strict=True)
            columns["latency_s"] = [request_s(timed) if given is None else given for given, timed in latencies]
    return columns


def gathered(parts: "Sequence[Part]") -> "Iterable[tuple[object, Sequence[Any]]]":
    """The values of each name of these mappings, None where one has it not."""
    if _missing(parts):
        return ()
    known: list[Mapping[Any, Any]] = [part or {} for part in parts]
    names = [*known[0]]
    # The usual case: all have the names of the first, which need not be looked for in each.
    if len(names) > 1 and set(map(len, known)) == {len(names)}:
        try:
            # Not by zip, which would keep a tuple of each row: the garbage collector would look at all of them.
            values = [*chain.from_iterable(map(itemgetter(*names), known))]
            return [(name, values[at :: len(names)]) for at, name in enumerate(names)]
        except KeyError:
            pass
    return [(name, _column(name, known)) for name in dict.fromkeys(chain.from_iterable(known))]


def request_s(timed: "Timed | None") -> float | None:
    """The duration of a request; None without one, and before its end."""
    return (timed.end_ns - timed.start_ns) / 1e9 if timed is not None and timed.end_ns else None


def _missing(values: "Sequence[Any]") -> bool:
    try:
        return values[0] is None and values.count(None) == len(values)
    except Exception:  # a foreign object's own comparison
        return False


def _column(name: object, parts: "list[Mapping[Any, Any]]") -> "list[Any]":
    try:
        return list(map(itemgetter(name), parts))
    except KeyError:
        return [mapping.get(name) for mapping in parts]
