"""A closed window's verdict: every part of it, from what the window gathered and what was said of those before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from tocsin_collector.monitor.answers import alike, answers, tokens
from tocsin_collector.monitor.beside import Named, of_named, of_past
from tocsin_collector.monitor.join import Join
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.judge import quality as quality_of
from tocsin_collector.monitor.rolling import Pool, Rolling
from tocsin_collector.monitor.traffic import Traffic
from tocsin_collector.monitor.verdict_state import Shares
from tocsin_collector.monitor.verdicts import Verdicts
from tocsin_collector.monitor.window import Window
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import empty
from tocsin_collector.quality import Labelled, Stakes, by_segment, data, outcome, outcomes_by_segment
from tocsin_collector.quality import rules as ruling
from tocsin_collector.quality.estimate import Answers
from tocsin_collector.quality.rules import Rules
from tocsin_collector.quality.text.price import Price
from tocsin_collector.verdict import (
    Beside,
    CheckVerdict,
    Decision,
    EstimateVerdict,
    FeatureVerdict,
    ModelKey,
    OutcomeVerdict,
    QualityVerdict,
    RuleVerdict,
    WindowVerdict,
)

OUTCOMES_BY_SEGMENT = 8
"""Names of outcomes that are told by segment, when a window is final."""


@dataclass(slots=True)
class Judging:
    """What the windows of one model version are held against. Without a reference ``judge`` is None: rows, classes and
    latency are told, and nothing is judged but what rules and traffic say."""

    key: ModelKey
    calendar: Calendar
    join: Join
    traffic: Traffic
    windows: Mapping[int, Window]
    verdicts: Verdicts
    min_rows: int
    stakes: Stakes
    price: Price | None
    rules: Rules | None
    judge: Judge | None = None
    named: dict[str, Named] = field(default_factory=dict)
    rolling: Rolling | None = None

    def shares(self) -> Shares:
        """What the verdicts of one reference have in common: the cells of each feature with the reference's shares."""
        if self.judge is None:
            return {}
        nothing = self.judge.features(empty(self.judge.layout), self.min_rows)
        return {name: verdict.distribution for name, verdict in nothing.items()}

    def verdict(self, window: Window, decision: Decision | None) -> WindowVerdict:
        """Judge a window; ``decision`` is what the calibrated policy decided of it."""
        labelled = self._labelled(window)
        quality = self._quality(window, labelled)
        before = self.verdicts.of(window.index)
        checked, checks = self._checks(window)
        verdict = WindowVerdict(
            self.key,
            self.calendar.start_s(window.index),
            self.calendar.end_s(window.index),
            window.revision,
            window.rows,
            features=self._features(window, decision),
            quality=quality,
            outcomes=self._outcomes(window),
            latency_s=window.latency_quantiles(),
            classes=window.classes(),
            segments=window.segments.told(self.verdicts.segments_before(window.index)),
            final=window.final,
            decision=decision,
            joint=self.judge.together(window.pairs, self.min_rows) if self.judge and window.pairs else None,
            estimate=self._estimate(window, quality),
            rules=self._ruled(window),
            checked=checked,
            checks=checks,
            daily=before.daily if before else None,  # what was told of a day stays with its last window
            beside=self._beside(window),
        )
        return self._with_text(verdict, window, labelled)

    def _features(self, window: Window, decision: Decision | None) -> dict[str, FeatureVerdict]:
        if self.judge is None or window.profile is None:
            return {}
        return self.judge.features(window.profile, self.min_rows, decision)

    def closed(self) -> dict[float, Pool]:
        """The windows that are closed and can still change, with rows enough to tell of, by their start."""
        return {
            self.calendar.start_s(index): self.pool(window)
            for index, window in self.windows.items()
            if window.closed and window.profile is not None and window.rows >= self.min_rows
        }

    def pool(self, window: Window) -> Pool:
        """A window as a part of its stream's past."""
        assert window.profile is not None  # noqa: S101  asked of counted windows only
        told = self.verdicts.of(window.index)
        return Pool(window.profile, 1, int(told is not None and told.drifted))

    def _beside(self, window: Window) -> tuple[Beside, ...]:
        if window.rows < self.min_rows:
            return ()
        before = self.verdicts.of(window.index)
        if before is not None and before.rows == window.rows and not window.final:
            return before.beside  # labels alone have come
        found = [*of_named(window.beside, self.named, window.rows)]
        if self.rolling is not None and window.profile is not None and window.profile.rows == window.rows:
            start_s = self.calendar.start_s(window.index)
            found += of_past(window.profile, start_s, self.rolling, self.closed())
        return tuple(found)

    def _checks(self, window: Window) -> tuple[tuple[str, ...], tuple[CheckVerdict, ...]]:
        """The learnt checks that the window's data can be judged by, and those of them that fail."""
        found: list[CheckVerdict] = []
        names: list[str] = []
        if self.judge is not None and window.observed is not None:
            learnt = self.judge.checks(window.observed, self.min_rows, window.rows)
            if learnt is not None:
                names += data.CHECKS
                found += learnt
        volume = self.traffic.judge(window.index, self.key.version)
        if volume is not None:
            names.append(volume.check)
            found += [volume] if volume.reason else []
        return tuple(names), tuple(found)

    def _ruled(self, window: Window) -> tuple[RuleVerdict, ...]:
        counted = window.ruled
        if counted is None and self.rules and not window.rows:
            counted = ruling.nothing(self.rules)
        return () if counted is None else ruling.judge(counted, window.rows, window.present)

    def _with_text(self, verdict: WindowVerdict, window: Window, labelled: Labelled) -> WindowVerdict:
        """The verdict with what its answers are like; texts are no classes, and are not told as such."""
        known = self.judge.text if self.judge else None
        found = answers(window.texts(), known, verdict.outcomes, is_judged=window.rows >= self.min_rows)
        if found is None:
            return verdict
        more = alike(labelled.prediction, labelled.label) | tokens(window.tokens, verdict.outcomes, self.price)
        return replace(verdict, classes={}, text=found._replace(measures=found.measures | more))

    def _labelled(self, window: Window) -> Labelled:
        (rows, stand_ins), labels = self.join.labels(window, window.vouched)
        delay_s = window.delay_s(rows, self.join.label_us(window, rows))
        unknown = np.full(stand_ins.size, np.nan)
        return Labelled(
            labels,
            window.predicted(rows, stand_ins),
            window.scores(rows, stand_ins),
            window.segments_of(rows, stand_ins.size),
            np.concatenate([delay_s, unknown]),
        )

    def _quality(self, window: Window, labelled: Labelled) -> QualityVerdict | None:
        before = self.verdicts.of(window.index - 1)
        found = quality_of(
            self.judge,
            labelled,
            window.rows + self.join.count(window.vouched),
            window.final,
            self.min_rows,
            before.quality if before else None,
            self.stakes,
        )
        return found and replace(found, segments=self._by_segment(window, found, labelled))

    def _by_segment(self, window: Window, found: QualityVerdict, labelled: Labelled) -> dict[str, dict[str, bytes]]:
        """Counted when a window is mature and again when it is final: in between a tenth of the labels comes, and most
        of a revision's time would go into it."""
        told = self.verdicts.of(window.index)
        if not found.mature:
            return {}
        if not window.final and told and told.quality and told.quality.segments:
            return told.quality.segments
        return by_segment(labelled, self.stakes)

    def _estimate(self, window: Window, quality: QualityVerdict | None) -> EstimateVerdict | None:
        if self.judge is None or window.profile is None or window.rows < self.min_rows:
            return None
        if window.profile.rows != window.rows:
            return None  # the reference came while the window was open: of its first rows nothing is counted
        before = self.verdicts.of(window.index)
        if before is not None and before.estimate is not None and before.rows == window.rows:
            answers: Answers = before.estimate.answers  # labels alone have come: no row says anything else
        else:
            said = window.said()
            answers = {} if said is None else self.judge.answers(said, window.profile, window.losses)
        past = self.verdicts.labelled_before(window.index)
        return self.judge.before_labels(answers, window.rows, past, quality)

    def _outcomes(self, window: Window) -> dict[str, OutcomeVerdict]:
        means = self.judge.outcome_means if self.judge else {}
        segments = window.segments_of(np.arange(window.rows)) if window.final else {}
        found: dict[str, OutcomeVerdict] = {}
        for name, rows, values in self.join.outcomes(window):
            by_value = outcomes_by_segment(values, rows, segments) if len(found) < OUTCOMES_BY_SEGMENT else {}
            found[name] = replace(outcome(values, window.rows, means.get(name)), segments=by_value)
        return found
