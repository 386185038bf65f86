"""A single prediction as a plain tuple, and many of them as columns: objects would cost several times as much."""

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
    Row: TypeAlias = tuple[str, Any, object, float | None, str | None, Part, Part, Part, Timed | None]
    """As in ``NAMES``; then features, scores and segment; then the request, where that tells the latency."""

NAMES = ("id", "time", "prediction", "latency_s", "trace_id")
PREFIXES = {"features": "feature.", "scores": "score.", "segment": "segment."}
_ALWAYS = NAMES[:3]
"""Columns even where every value is missing."""


def columns_of(rows: "list[Row]") -> "tuple[int, dict[str, list[Any]]]":
    """How many there are, and their columns by name."""
    across: list[tuple[Any, ...]] = [*zip(*rows, strict=True)]
    named = zip(NAMES, across, strict=False)
    columns = {name: [*values] for name, values in named if name in _ALWAYS or not _missing(values)}
    for prefix, part in zip(PREFIXES.values(), across[len(NAMES) : -1], strict=True):
        for name, values in gathered(part):
            columns.setdefault(f"{prefix}{name}", values)
    if not _missing(across[-1]):
        latencies = zip(columns.get("latency_s") or [None] * len(rows), across[-1], strict=True)
        columns["latency_s"] = [request_s(timed) if given is None else given for given, timed in latencies]
    return len(rows), columns


def gathered(parts: "Sequence[Part]") -> "Iterable[tuple[object, list[Any]]]":
    """The values of each name of these mappings, None where one has it not."""
    known: list[Mapping[Any, Any]] = [part or {} for part in parts]
    names = [*known[0]]
    # The usual case: all have the names of the first, which need not be looked for in each.
    if len(names) > 1 and set(map(len, known)) == {len(names)}:
        try:
            return zip(names, map(list, zip(*map(itemgetter(*names), known), strict=True)), strict=True)
        except KeyError:
            pass
    return [(name, _column(name, known)) for name in dict.fromkeys(chain.from_iterable(known))]


def parts_of(row: "Row") -> "tuple[dict[str, Any], dict[str, Part]]":
    """Its values and its mappings by name."""
    values = zip(NAMES, row, strict=False)
    kept = {name: value for name, value in values if value is not None or name in _ALWAYS}
    return kept, dict(zip(PREFIXES, row[len(NAMES) : -1], strict=True))  # type: ignore[arg-type]


def request_s(timed: "Timed | None") -> float | None:
    """The duration of a request; None without one, and before its end."""
    return (timed.end_ns - timed.start_ns) / 1e9 if timed is not None and timed.end_ns else None


def _missing(values: "tuple[Any, ...]") -> bool:
    return set(map(type, values)) == {type(None)}


def _column(name: object, parts: "list[Mapping[Any, Any]]") -> "list[Any]":
    try:
        return list(map(itemgetter(name), parts))
    except KeyError:
        return [mapping.get(name) for mapping in parts]
