"""What one window of one model version has gathered: counts for the verdict, and rows while labels may come."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values, alike
from tocsin_collector.monitor.cells import MISSING, CellColumn, Names, pack, unpack
from tocsin_collector.monitor.growing import Growing
from tocsin_collector.monitor.latency import Latency
from tocsin_collector.monitor.segmentcolumns import SegmentColumns
from tocsin_collector.monitor.segments import Segments
from tocsin_collector.monitor.vouched import Rows, Vouched
from tocsin_collector.profile import Layout, Profile, merge, profile
from tocsin_collector.profile.coarse import codes
from tocsin_collector.profile.pairs import CELLS, Pairs, merge_pairs, profile_pairs
from tocsin_collector.profile.reservoir import Reservoir, kept, nothing
from tocsin_collector.quality import data, estimate, is_list
from tocsin_collector.quality import rules as ruling
from tocsin_collector.quality.data.counts import observed_of
from tocsin_collector.quality.rules import Counted, Rules
from tocsin_collector.quality.rules.counts import tally_of
from tocsin_collector.quality.text import measure
from tocsin_collector.quality.text.measure import Measured, TextCounts
from tocsin_collector.quality.text.sampled import sampled
from tocsin_collector.verdict import NUMBER
from tocsin_schema.block import MAX_COLUMNS
from tocsin_schema.latency import quantile

CLASSES_SHOWN = 16
TOKENS = "tokens_in", "tokens_out"
"""Features that say how many tokens a prediction took and gave."""
_MOST_TOKENS = 1e9
_TICK_US = 10_000
NAMES_MOST = MAX_COLUMNS
"""Scores and features of a window, each: as many as one block can have. Only who makes names up has more."""

_PLAIN = ("index", "place", "rows", "labelled", "outcomes", "closed", "final", "changed", "revision", "_first_us")


class Window:
    """One window, open or closed. Its rows lie in columns, in the order in which they came; the join, which has their
    labels, puts the number of each row's id into ``numbers``."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.place = -1
        self.numbers: Growing[np.int32] = Growing(np.int32)
        self.profile: Profile | None = None
        self.pairs: Pairs | None = None
        self.sample: Reservoir | None = None
        """Some of its rows, for the look at the whole day."""
        self.beside: dict[str, Profile] = {}
        """The same rows in the cells of further references, by their names."""
        self.losses: NDArray[np.int64] = np.zeros(2, np.int64)
        """The errors that a regression is expected to make, summed up; see ``quality.estimate.losses``."""
        self.ruled: Counted | None = None
        self.observed: data.Observed | None = None
        self.latency = Latency()
        self.segments = Segments()
        self.present: Counter[str] = Counter()
        """Rows that have a value, by feature."""
        self.rows = 0
        self.labelled = 0
        self.outcomes = 0
        self.closed = False
        self.final = False
        self.changed = False
        self.revision = 0
        self.tokens: Counter[str] = Counter()
        """Tokens in and out, as features tell them."""
        self._names = Names()
        self._measured: dict[int, Measured] = {}
        self.vouched = Vouched(self._names)
        self._predicted = CellColumn()
        self._scores: dict[str, Growing[np.float64]] = {}
        self._gathered: list[Frame] = []
        self._of_segments = SegmentColumns()
        self._first_us = 0
        self._tick: Growing[np.int32] = Growing(np.int32)  # when a row happened, after the first that came

    def state(self) -> dict[str, Any]:
        """A copy of all of it, when it is counted and the join is settled; ``load`` takes it."""
        return {
            "plain": {name: getattr(self, name) for name in _PLAIN},
            "numbers": self.numbers.rows.copy(),
            "profile": self.profile and _plain(self.profile),
            "beside": [[name, *_plain(counted)] for name, counted in self.beside.items()],
            "pairs": self.pairs and [self.pairs.rows, _narrow(self.pairs.counts).ravel()],
            "sample": self.sample
            and [self.sample.most, self.sample.keys, self.sample.codes.ravel()],  # never written to
            "losses": self.losses.copy(),
            "observed": self.observed and self.observed.state(),
            "ruled": self.ruled and [tally.state() for tally in self.ruled.tallies],
            "latency": self.latency.state(),
            "segments": self.segments.state(),
            "present": list(self.present.items()),
            "tokens": list(self.tokens.items()),
            "names": self._names.listed,
            "vouched": self.vouched.state(),
            "predicted": self._predicted.state(),
            "scores": [[name, column.rows.copy()] for name, column in self._scores.items()],
            "of_segments": self._of_segments.state(),
            "tick": self._tick.rows.copy(),
        }

    @staticmethod
    def of(
        state: dict[str, Any],
        layout: Layout | None,
        rules: Rules | None = None,
        beside: Mapping[str, Layout] = MappingProxyType({}),
    ) -> "Window":
        """What ``state`` told; ``layout``, ``rules`` and ``beside`` are those that its rows were counted in."""
        found = Window(state["plain"]["index"])
        for name, value in state["plain"].items():
            setattr(found, name, value)
        found.numbers = Growing.of(state["numbers"])
        if state["profile"] and layout:
            found.profile = _profile(layout, *state["profile"])
        found.beside = {name: _profile(beside[name], *told) for name, *told in state["beside"]}
        if state["pairs"] and layout:
            rows, counts = state["pairs"]
            found.pairs = Pairs(layout, rows, counts.astype(np.int64).reshape(-1, CELLS, CELLS))
        if state["sample"] and layout:
            most, keys, codes_ = state["sample"]
            found.sample = Reservoir(layout, most, keys.copy(), codes_.copy().reshape(-1, len(keys)))
        found.losses = state["losses"].copy()
        if state["observed"]:
            found.observed = observed_of(state["observed"])
        if state["ruled"] and rules:
            found.ruled = Counted(rules, tuple(map(tally_of, state["ruled"])))
        found.latency.load(state["latency"])
        found.segments.load(state["segments"])
        found.present = Counter(dict(state["present"]))
        found.tokens = Counter(dict(state["tokens"]))
        found._names = Names(state["names"])
        found.vouched = Vouched(found._names)
        found.vouched.load(state["vouched"])
        found._predicted = CellColumn.of(state["predicted"])
        found._scores = {name: Growing.of(rows) for name, rows in state["scores"]}
        found._of_segments.load(state["of_segments"])
        found._tick = Growing.of(state["tick"])
        return found

    def gather(self, frame: Frame, counts: Mapping[str, int]) -> None:
        """Take rows that belong here, of which so many have a value, by feature; they are counted with others. Whoever
        looks at more than the rows' number calls ``count`` first."""
        self.rows += frame.rows
        self.changed = True
        self._gathered.append(frame)
        for name, count in counts.items():
            if name in self.present or len(self.present) < NAMES_MOST:
                self.present[name] += count

    def count(
        self,
        layout: Layout | None,
        estimators: estimate.Estimators | None = None,
        form: data.Form | None = None,
        rules: Rules | None = None,
        sampled_most: int = 0,
        beside: Mapping[str, Layout] = MappingProxyType({}),
    ) -> None:
        """Count what was gathered; its features in the cells of ``layout`` and of those ``beside``, and for what is
        checked of the data by ``form`` and by ``rules``, if there are any. So many of its rows are kept as a sample."""
        parts, self._gathered = self._gathered, []
        first = self.rows - sum(part.rows for part in parts)
        for part in alike(parts):
            self._count(part, first)
            first += part.rows
            if layout is not None:
                counted = profile(part, layout)
                self.profile = counted if self.profile is None else merge(self.profile, counted)
                met = profile_pairs(part, layout)
                self.pairs = met if self.pairs is None else merge_pairs(self.pairs, met)
                if sampled_most:
                    self.sample = kept(self.sample or nothing(layout, sampled_most), part)
                self._expect(part, layout, estimators)
            for name, cells in beside.items():
                counted = profile(part, cells)
                self.beside[name] = merge(self.beside[name], counted) if name in self.beside else counted
            if form is not None:
                self.observed = data.observe(part, form, self.observed)
            if rules is not None:
                ruled = ruling.count(part, rules)
                self.ruled = ruled if self.ruled is None else ruling.merge(self.ruled, ruled)

    def _expect(self, frame: Frame, layout: Layout, estimators: estimate.Estimators | None) -> None:
        if estimators is None or estimators.direct is None:
            return
        told = estimate.said(frame.columns.get("prediction"), frame.group("score."))
        if told is not None:
            self.losses = self.losses + estimate.losses(estimators, told, codes(frame, layout))

    def said(self) -> estimate.Said | None:
        """What the model said of all rows, labelled or not."""
        rows, nobody = np.arange(self.rows), np.empty(0, np.intp)
        return estimate.said(self.predicted(rows, nobody), self.scores(rows, nobody))

    def _count(self, frame: Frame, first: int) -> None:
        if "prediction" in frame.columns:
            self._predicted.fill(first)
            self._predicted.append(pack(frame.columns["prediction"], self._names))
        self._add_scores(frame.group("score."), first)
        for name in TOKENS:
            self.tokens.update(_whole(name, frame.columns.get(f"feature.{name}")))
        self._of_segments.add(frame, first)
        self._first_us = self._first_us or int(frame.time_us[0])
        self._tick.append((frame.time_us - self._first_us) // _TICK_US)
        self.latency.add(frame.columns.get("latency_s"))
        self.segments.add(frame)

    def joined(self, labels: int, outcomes: int) -> None:
        """So many rows got their first label, so many outcomes came; see ``join.Listener``."""
        self.labelled += labels
        self.outcomes += outcomes
        self.changed = True

    def predicted(self, rows: Rows, vouched: Rows) -> Values | None:
        """The predictions of some rows, then of some stand-ins; None where not one of them has any."""
        self._predicted.fill(self.rows)
        cells = np.concatenate([self._predicted.take(rows), self.vouched.predicted(vouched)])
        found = unpack(cells, self._names)
        return found if found.valid.any() else None

    def scores(self, rows: Rows, vouched: Rows) -> dict[str, Values]:
        """The scores of the same by class."""
        for column in self._scores.values():
            column.fill(self.rows, np.nan)
        names = sorted(self._scores.keys() | self.vouched.classes())
        whole, absent = np.ones(rows.size + vouched.size, bool), np.full(self.rows, np.nan)
        found = {}
        for name in names:
            known = self._scores[name].rows if name in self._scores else absent
            stand_ins = self.vouched.score(name, len(names), vouched)
            found[name] = Values(NUMBER, np.concatenate([known[rows], stand_ins]), whole)
        return found

    def segments_of(self, rows: Rows, stand_ins: int = 0) -> dict[str, Values]:
        """The values of some rows by segment, and missing ones for as many stand-ins."""
        return self._of_segments.of(rows, stand_ins)

    def delay_s(self, rows: Rows, label_us: NDArray[np.int64]) -> NDArray[np.float64]:
        """How long after some rows their labels happened, to a hundredth of a second."""
        happened_us = self._first_us + self._tick.rows[rows].astype(np.int64) * _TICK_US
        return np.asarray((label_us - happened_us) / 1e6, np.float64)

    @property
    def size_bytes(self) -> int:
        """The memory of the columns, without what was reserved for more rows."""
        scores = sum(column.rows.nbytes for column in self._scores.values())
        return (
            self.numbers.rows.nbytes
            + self._predicted.nbytes
            + scores
            + self._of_segments.nbytes
            + self._tick.rows.nbytes
        )

    def latency_quantiles(self) -> dict[str, float]:
        """p50 and p99 of the latency that the events carried, empty when they carried none."""
        counts = self.latency.counts.tolist()
        pairs = (("p50", quantile(counts, 0.5)), ("p99", quantile(counts, 0.99)))
        return {name: value for name, value in pairs if value is not None}

    def texts(self) -> TextCounts:
        """The counts of the answers as texts, of some of them; each text is measured once."""
        cells = self._predicted.take(slice(None))
        numbers = (cells[sampled(np.flatnonzero(cells > MISSING))] - MISSING - 1).tolist()
        for number in set(numbers) - self._measured.keys():
            self._measured[number] = measure.measured(self._names.text(number))
        return measure.count(self._measured[number] for number in numbers)

    def classes(self) -> dict[str, float]:
        """The share of each predicted class, the most frequent first; empty for numbers and lists."""
        cells = self._predicted.take(slice(None))
        codes, counts = np.unique(cells[cells > MISSING], return_counts=True)
        names = unpack(codes, self._names).texts()
        ranked = sorted(zip(names, counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0] or ""))
        if all(is_list(name or "") for name, _ in ranked[:CLASSES_SHOWN]):
            return {}
        return {name or "": count / int(counts.sum()) for name, count in ranked[:CLASSES_SHOWN]}

    def _add_scores(self, scores: dict[str, Values], first: int) -> None:
        for name, values in scores.items():
            if name not in self._scores and len(self._scores) >= NAMES_MOST:
                continue
            column = self._scores.setdefault(name, Growing(np.float64))
            column.fill(first, np.nan)
            column.append(np.where(values.valid, values.data, np.nan))


def _plain(counted: Profile) -> list[Any]:
    return [counted.rows, counted.unknown, *counted.columns]  # never written to


def _profile(layout: Layout, rows: int, unknown: int, *columns: NDArray[Any]) -> Profile:
    counts, sums, registers = (column.copy() for column in columns)
    return Profile(layout, rows, unknown, counts, sums, registers)


def _narrow(counts: NDArray[np.int64]) -> NDArray[Any]:
    """The same in as few bytes a count as the largest allows."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def _whole(name: str, values: Values | None) -> dict[str, int]:
    """The sum of a feature of whole numbers."""
    if values is None or values.kind != NUMBER:
        return {}
    data = values.data[values.valid & np.isfinite(values.data) & (np.abs(values.data) < _MOST_TOKENS)]
    return {name: int(np.rint(data).astype(np.int64).sum())} if len(data) else {}


def present(features: Mapping[str, Values]) -> dict[str, int]:
    """How many rows have a value, by feature."""
    counted: dict[int, int] = {}  # columns without a gap share their validity
    for values in features.values():
        if id(values.valid) not in counted:
            counted[id(values.valid)] = int(np.count_nonzero(values.valid))
    return {name: counted[id(values.valid)] for name, values in features.items()}
