"""Events between the call that made them and the block that carries them.

A call appends one item to a list; the background thread turns items into a table. A single prediction is a plain tuple
(``plain.Row``), since there are many. Columns are named as in ``tocsin_schema.block``; a table is
``(number of rows, {column name: values})`` with None for what is missing.
"""

from _thread import RLock
from itertools import compress
from math import isfinite

from tocsin_agent.capture.ids import make
from tocsin_agent.capture.plain import PREFIXES, columns_of, gathered, parts_of, request_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    from tocsin_agent.capture.plain import Row, Timed

    Columns: TypeAlias = dict[str, list[Any]]
    Table: TypeAlias = tuple[int, Columns]

MAX_ROWS = 20_000
"""Rows of one type of one model version that may wait; what comes on top is dropped and counted."""
WAKE_ROWS = 1_000
PATIENCE = 60
"""How many times a row waits for the end of its request; then its latency is missing."""


class Item:
    """The rows of a call. ``columns`` holds values of a single row, or lists of a batch; ``parts`` its mappings."""

    __slots__ = ("columns", "parts", "rows", "timed", "waited")

    def __init__(
        self,
        columns: "dict[str, Any]",
        parts: "Mapping[str, Mapping[Any, Any] | None] | None" = None,
        *,
        rows: int = 0,
        timed: "Timed | None" = None,
    ) -> None:
        self.columns = columns
        self.parts = parts or {}
        self.rows = rows
        """0 for a single row, else the length of a batch."""
        self.timed = timed
        self.waited = 0

    def is_ripe(self) -> bool:
        """Whether its request has ended, or has been waited for long enough."""
        self.waited += 1
        return self.timed is None or bool(self.timed.end_ns) or self.waited > PATIENCE

    def latency_s(self) -> float | None:
        """The duration of its request."""
        return request_s(self.timed)


class Waiting:
    """The items of one event type of one model version: any thread adds, the background thread takes."""

    __slots__ = ("_due", "_items", "_lock", "rows")

    def __init__(self) -> None:
        self._lock = RLock()  # re-entrant, because a signal handler may interrupt `add` and add
        self._items: list[Item | Row] = []
        self._due = WAKE_ROWS
        self.rows = 0

    def add(self, item: "Item | Row", size: int = 1) -> bool:
        """False when there is no room. An empty queue takes a batch of any size: it has to go through somehow."""
        with self._lock:
            if self.rows and self.rows + size > MAX_ROWS:
                return False
            self.rows += size
            self._items.append(item)
        return True

    def is_due(self) -> bool:
        """Whether a block's worth has come together; said once, until somebody takes."""
        if self.rows < self._due:
            return False
        self._due += WAKE_ROWS
        return True

    def take(self, *, all_: bool = False) -> "list[Item | Row]":
        """The items that are ripe (or all), in the order of the calls."""
        with self._lock:
            items, self._items = self._items, []
        ripe: list[Item | Row] = []
        unripe: list[Item | Row] = []
        for item in items:
            if isinstance(item, tuple):
                if item[-1] is None or item[-1].end_ns:
                    ripe.append(item)
                    continue
                item = Item(*parts_of(item), timed=item[-1])  # noqa: PLW2901 - the same, and it counts how long it waits
            (ripe if item.is_ripe() or all_ else unripe).append(item)
        with self._lock:
            self._items[:0] = unripe
            self.rows -= rows_of(ripe)
            self._due = self.rows + WAKE_ROWS
        return ripe


def rows_of(items: "list[Item | Row]") -> int:
    """How many rows they are; a batch has several."""
    return len(items) + sum([item.rows - 1 for item in items if not isinstance(item, tuple) and item.rows])


def table(items: "Iterable[Item | Row]") -> "Table":
    """One table of all items. A row is left out when its time (or an outcome's value) cannot be read."""
    items = list(items)
    plain = [item for item in items if isinstance(item, tuple)]
    others = [item for item in items if not isinstance(item, tuple)]
    tables = [_batch(item) for item in others if item.rows]
    if singles := [item for item in others if not item.rows]:
        tables.insert(0, _singles(singles))
    if plain:
        tables.insert(0, columns_of(plain))
    rows, columns = _concat(tables)
    if set(map(type, columns["id"])) != {str}:
        columns["id"] = [make() if value is None else str(value) for value in columns["id"]]
    columns["time"] = _times(columns["time"])
    needed = [columns["time"]]
    if "value" in columns:
        columns["value"] = [_or_none(float, value) for value in columns["value"]]
        needed.append(columns["value"])
    if not any(None in values for values in needed):
        return rows, columns
    kept = [None not in values for values in zip(*needed, strict=True)]
    return sum(kept), {name: list(compress(values, kept)) for name, values in columns.items()}


def split(given: "Table", rows: int) -> "Iterable[Table]":
    """Tables of at most ``rows`` rows each."""
    total, columns = given
    for start in range(0, total, rows):
        piece = {name: values[start : start + rows] for name, values in columns.items()}
        yield min(rows, total - start), piece


def micros(time: object) -> int:
    """Microseconds since the Unix epoch, of epoch seconds or a datetime (without a zone: UTC). Raises ValueError."""
    if not isinstance(time, int | float) and hasattr(time, "timestamp"):
        from datetime import UTC

        moment: Any = time
        time = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    found = round(float(time) * 1e6)  # type: ignore[arg-type]
    if not -(1 << 63) <= found < 1 << 63:
        raise ValueError(f"{time!r:.80} is no time of this world")
    return found


def _times(values: "list[Any]") -> "list[int | None]":
    if set(map(type, values)) <= {float, int} and -9e12 < min(values) <= max(values) < 9e12 and isfinite(sum(values)):
        return [round(value * 1e6) for value in values]  # the usual case
    return [_or_none(micros, value) for value in values]


def _singles(items: list[Item]) -> "Table":
    names = dict.fromkeys(name for item in items for name in item.columns)
    columns: Columns = {name: [item.columns.get(name) for item in items] for name in names}
    for part, prefix in PREFIXES.items():
        for name, values in gathered([item.parts.get(part) for item in items]):
            columns.setdefault(f"{prefix}{name}", values)
    if any(item.timed for item in items):
        given = columns.get("latency_s") or [None] * len(items)
        columns["latency_s"] = [
            item.latency_s() if latency is None else latency for item, latency in zip(items, given, strict=True)
        ]
    return len(items), columns


def _batch(item: Item) -> "Table":
    columns = dict(item.columns)
    if item.timed is not None:
        columns.setdefault("latency_s", [item.latency_s()] * item.rows)
    return item.rows, columns


def _concat(tables: "list[Table]") -> "Table":
    if len(tables) == 1:
        return tables[0]
    columns: Columns = {name: [] for _, some in tables for name in some}
    for name, values in columns.items():
        for rows, some in tables:
            values.extend(some.get(name) or [None] * rows)
    return sum(rows for rows, _ in tables), columns


def _or_none(read: "Callable[[Any], Any]", value: object) -> "Any":
    try:
        return read(value)
    except Exception:  # a foreign object's own methods
        return None
