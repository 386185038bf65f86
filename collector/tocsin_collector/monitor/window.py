"""What one window of one model version has gathered: counts for the verdict, and rows while labels may come."""

from collections import Counter

import numpy as np

from tocsin_collector.frame import Frame, Values
from tocsin_collector.monitor.join import Late
from tocsin_collector.monitor.latency import Latency
from tocsin_collector.profile import Profile
from tocsin_collector.verdict import CATEGORY, OutcomeVerdict
from tocsin_schema.block import MAX_COLUMNS
from tocsin_schema.latency import quantile
from tocsin_schema.metric import OVERFLOW

SEGMENTS_MOST = 64
NAMES_MOST = MAX_COLUMNS
"""Scores, segments, outcomes of a window, each: as many as one block can have. Only who makes names up has more."""


class Window:
    """One window, open or closed. Rows are kept by number; ``labels[row]`` is None until the label comes."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.profile: Profile | None = None
        self.ids: list[str] = []
        self.predicted: list[str | float | None] = []
        self.scores: dict[str, list[float]] = {}
        self.labels: dict[int, Late] = {}
        self.outcomes: dict[str, dict[int, Late]] = {}
        self.latency = Latency()
        self.segments: dict[str, Counter[str]] = {}
        self.rows = 0
        self.closed = False
        self.final = False
        self.changed = False
        self.revision = 0

    def add(self, frame: Frame) -> range:
        """Take the rows of a block that belong here; returns their row numbers."""
        first = self.rows
        self.rows += frame.rows
        self.ids.extend(frame.ids)
        self.predicted.extend(_items(frame.columns.get("prediction"), frame.rows))
        self._add_scores(frame.group("score."), first, frame.rows)
        self.latency.add(frame.columns.get("latency_s"))
        for name, values in frame.group("segment.").items():
            if name in self.segments or len(self.segments) < NAMES_MOST:
                _count(self.segments.setdefault(name, Counter()), values.texts())
        self.changed = True
        return range(first, self.rows)

    def late(self, row: int, late: Late) -> bool:
        """Take a label or an outcome of a row; one that is older than the known one changes nothing."""
        if late.name and late.name not in self.outcomes and len(self.outcomes) >= NAMES_MOST:
            return False
        book = self.labels if not late.name else self.outcomes.setdefault(late.name, {})
        known = book.get(row)
        if known is not None and known.time_us > late.time_us:
            return False
        book[row] = late
        self.changed = True
        return True

    def latency_quantiles(self) -> dict[str, float]:
        """p50 and p99 of the latency that the events carried, empty when they carried none."""
        counts = self.latency.counts.tolist()
        pairs = (("p50", quantile(counts, 0.5)), ("p99", quantile(counts, 0.99)))
        return {name: value for name, value in pairs if value is not None}

    def classes(self) -> dict[str, float]:
        """The share of each predicted class; empty for numeric predictions."""
        counts = Counter(item for item in self.predicted if isinstance(item, str))
        total = sum(counts.values())
        return {
            name: count / total for name, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:16]
        }

    def outcome_means(self, reference: dict[str, float]) -> dict[str, OutcomeVerdict]:
        """Count and mean of each numeric outcome."""
        found = {}
        for name, book in sorted(self.outcomes.items()):
            values = [late.value for late in book.values() if isinstance(late.value, float)]
            if values:
                found[name] = OutcomeVerdict(len(values), float(np.mean(values)), reference.get(name))
        return found

    def _add_scores(self, scores: dict[str, Values], first: int, rows: int) -> None:
        for name, values in scores.items():
            if name not in self.scores and len(self.scores) >= NAMES_MOST:
                continue
            known = self.scores.setdefault(name, [])
            known.extend([float("nan")] * (first - len(known)))
            known.extend(np.where(values.valid, values.data, np.nan).tolist())
        for known in self.scores.values():
            known.extend([float("nan")] * (first + rows - len(known)))


def _items(values: Values | None, rows: int) -> list[str | float | None]:
    if values is None:
        return [None] * rows
    if values.kind == CATEGORY:
        return list(values.texts())
    return [value if ok else None for value, ok in zip(values.data.tolist(), values.valid.tolist(), strict=True)]


def _count(counts: Counter[str], texts: list[str | None]) -> None:
    for text, count in Counter(text for text in texts if text is not None).items():
        known = text in counts or len(counts) < SEGMENTS_MOST
        counts[text if known else OVERFLOW] += count
