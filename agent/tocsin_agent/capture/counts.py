"""What capture counts of itself: rows, drops, blocks, errors. Rare enough for a lock; a request counts nothing here."""

from _thread import RLock

ROWS = tuple(("tocsin_capture_rows_total", "type", value) for value in ("prediction", "label", "outcome"))
DROPPED = tuple(
    ("tocsin_capture_rows_dropped_total", "reason", value)
    for value in ("full", "invalid", "pending", "refused", "rejected", "closed")
)
BLOCKS = tuple(("tocsin_capture_blocks_sent_total", "outcome", value) for value in ("ok", "refused", "retried"))
ERRORS = (("tocsin_capture_errors_total", "", ""),)
FOLDED = (("tocsin_capture_observations_folded_total", "", ""),)
LOST = (("tocsin_capture_observations_lost_total", "", ""),)
ALTERED = tuple(
    ("tocsin_capture_columns_altered_total", "reason", value)
    for value in ("mixed", "cut", "nonfinite", "name", "overflow", "unreadable")
)

SPILLED = (("tocsin_capture_blocks_sent_total", "outcome", "spilled"),)

COUNTERS: tuple[tuple[str, str, str], ...] = ROWS + DROPPED + BLOCKS + ERRORS + FOLDED + LOST + ALTERED + SPILLED
"""Metric, label and value in the order of the worker's file. Only ever append: agent and worker may differ in age."""

_INDEX = {(name, value): index for index, (name, _, value) in enumerate(COUNTERS)}


class Counts:
    """The counters of one process. They only rise."""

    __slots__ = ("_lock", "values")

    def __init__(self) -> None:
        self._lock = RLock()  # re-entrant, because a signal handler may interrupt `add` and add
        self.values = [0] * len(COUNTERS)

    def add(self, name: str, value: str = "", n: int = 1) -> None:
        """Add to a counter, by its metric without ``tocsin_capture_`` and ``_total``, and the value of its label."""
        index = _INDEX[f"tocsin_capture_{name}_total", value]
        with self._lock:
            self.values[index] += n

    def get(self, name: str, value: str = "") -> int:
        """What a counter has come to."""
        return self.values[_INDEX[f"tocsin_capture_{name}_total", value]]
