"""Events between the call that made them and the block that carries them.

Calls add single rows to one list (``singles``) and batches of rows to another; the background thread makes a table of
both. Columns are named as in ``tocsin_schema.block``; a table is ``(number of rows, {column name: values})`` with None
for what is missing.
"""

from _thread import RLock
from contextlib import suppress
from itertools import compress
from time import monotonic

from tocsin_agent.capture.singles import WIDTHS, columns_of, request_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    from tocsin_agent.capture.singles import Columns, Timed

    Table: TypeAlias = tuple[int, Columns]

MAX_ROWS = 20_000
"""Rows of one type of one model version that may wait; what comes on top is dropped and counted."""
WAKE_ROWS = 1_000
_OLDEST, _LATEST = -(1 << 63), (1 << 63) - 1
PATIENCE_S = 60.0
"""How long a row waits for the end of its request; then its latency is missing."""


class Batch:
    """The rows of a call that gave columns: lists of one length. ``timed`` is their request, if that tells the
    latency."""

    __slots__ = ("columns", "rows", "timed", "until_s")

    def __init__(self, columns: "dict[str, list[Any]]", rows: int, timed: "Timed | None" = None) -> None:
        self.columns = columns
        self.rows = rows
        self.timed = timed
        self.until_s = monotonic() + PATIENCE_S

    def table(self) -> "Table":
        """The columns with the duration of the request."""
        columns: Columns = {**self.columns}
        if self.timed is not None:
            columns.setdefault("latency_s", [request_s(self.timed)] * self.rows)
        return self.rows, columns


class Waiting:
    """The rows of one event type of one model version: any thread adds, the background thread takes.

    ``values`` is what single rows are added to, by one extension a row; it stays the same list for ever.
    """

    __slots__ = ("_batches", "_late", "_lock", "_others", "look_at", "type", "values", "width")

    def __init__(self, type: str) -> None:
        self.type = type
        self.width = WIDTHS[type]
        self.values: list[Any] = []
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        del self.values[:]
        self._lock = RLock()  # re-entrant, because a signal handler may interrupt `add` and add
        self._batches: list[Batch] = []
        self._late: list[tuple[float, list[Any]]] = []
        self._others = 0
        self.look_at = WAKE_ROWS * self.width
        """How long ``values`` are when whoever adds has to look: first whether to wake the background thread, which it
        is once until it takes; then for room."""

    @property
    def rows(self) -> int:
        """How many wait."""
        return len(self.values) // self.width + self._others

    def is_due(self, more: int) -> bool:
        """Whether a block's worth comes together with so many more; said once until somebody takes."""
        if self.look_at > WAKE_ROWS * self.width or self.rows + more < WAKE_ROWS:
            return False
        self.look_at = max(MAX_ROWS - self._others, WAKE_ROWS + 1) * self.width
        return True

    def add(self, batch: Batch) -> None:
        """Add a batch of rows."""
        with self._lock:
            self._others += batch.rows
            self._batches.append(batch)

    def take(self, *, all_: bool = False) -> "tuple[list[Any], list[Batch]]":
        """The single rows and the batches whose request has ended or was waited for long enough; or all of them."""
        self.look_at = WAKE_ROWS * self.width
        values = self.values[:]
        del self.values[: len(values)]
        if self.type == "prediction":
            values = self._ripe(values, all_=all_)
        with self._lock:
            now = monotonic()
            ripe = [all_ or _ended(batch.timed) or now > batch.until_s for batch in self._batches]
            taken = list(compress(self._batches, ripe))
            self._batches = [batch for batch, is_ripe in zip(self._batches, ripe, strict=True) if not is_ripe]
            self._others = len(self._late) + sum(batch.rows for batch in self._batches)
        return values, taken

    def _ripe(self, values: "list[Any]", *, all_: bool) -> "list[Any]":
        """Without the rows whose request goes on, with those that waited and whose has ended."""
        width, ripe, late, start = self.width, [], [], 0
        now = monotonic()
        for until_s, row in self._late:
            if all_ or _ended(row[-1]) or now > until_s:
                ripe += row
            else:
                late.append((until_s, row))
        requests = values[width - 1 :: width]
        if not all_ and set(map(type, requests)) != {type(None)}:
            for at, request in enumerate(requests):
                if not _ended(request):
                    ripe += values[start : at * width]
                    start = (at + 1) * width
                    late.append((now + PATIENCE_S, values[at * width : start]))
        self._late = late
        return ripe + values[start:] if ripe or start else values


def table(kind: str, values: "list[Any]", batches: "Iterable[Batch]" = ()) -> "Table":
    """One table of all rows. A row is left out when its time (or an outcome's value) cannot be read."""
    tables: list[Table] = [(len(values) // WIDTHS[kind], columns_of(kind, values))] if values else []
    rows, columns = _concat([*tables, *(batch.table() for batch in batches)])
    read: dict[str, Callable[[Any], Any]] = {"time": micros}
    with suppress(Exception):  # no number, not finite, or a foreign object's own methods
        # The usual case, at a tenth of the price of `micros` for each.
        times = [*map(float.__round__, [time * 1e6 for time in columns["time"]])]
        if _OLDEST <= min(times) <= max(times) <= _LATEST:
            columns["time"], read = times, {}
    if kind == "outcome":
        read["value"] = float
    if not read:
        return rows, columns
    columns |= {name: [_or_none(one, value) for value in columns[name]] for name, one in read.items()}
    kept = [None not in values for values in zip(*[columns[name] for name in read], strict=True)]
    return sum(kept), {name: list(compress(values, kept)) for name, values in columns.items()}


def split(given: "Table", rows: int) -> "Iterable[Table]":
    """Tables of at most ``rows`` rows each."""
    total, columns = given
    if total <= rows:
        return [given] if total else []
    return [
        (min(rows, total - start), {name: values[start : start + rows] for name, values in columns.items()})
        for start in range(0, total, rows)
    ]


def micros(time: object) -> int:
    """Microseconds since the Unix epoch, of epoch seconds, a datetime (pandas' and numpy's, too) or a text of ISO 8601;
    without a zone: UTC. Raises ValueError."""
    found = round((float(time) if isinstance(time, int | float) else _seconds(time)) * 1e6)
    if not _OLDEST <= found <= _LATEST:
        raise ValueError(f"{time!r:.80} is no time of this world")
    return found


def _seconds(time: "Any") -> float:
    from datetime import UTC, datetime

    if hasattr(time, "astype"):  # numpy's: its nanoseconds would come as a number
        time = time.astype("datetime64[us]").item() if time.dtype.kind == "M" else time.item()
    if isinstance(time, str):
        with suppress(ValueError):
            return float(time)
        time = datetime.fromisoformat(time)
    if hasattr(time, "timestamp"):
        time = (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()
    return float(time)


def _ended(timed: "Timed | None") -> bool:
    return timed is None or bool(timed.end_ns)


def _concat(tables: "list[Table]") -> "Table":
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, list[Any]] = {name: [] for _, some in tables for name in some}
    for name, values in columns.items():
        for rows, some in tables:
            values.extend(some.get(name) or [None] * rows)
    return sum(rows for rows, _ in tables), {**columns}


def _or_none(read: "Callable[[Any], Any]", value: object) -> "Any":
    try:
        return read(value)
    except Exception:  # a foreign object's own methods
        return None
