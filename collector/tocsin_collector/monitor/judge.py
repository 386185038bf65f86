"""A fitted reference, and the verdicts that it gives of a window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift import Reference, compare, fit, joint, policy
from tocsin_collector.frame import Frame, Values
from tocsin_collector.monitor.daily import Days
from tocsin_collector.monitor.incidents import told
from tocsin_collector.monitor.reference_file import ReferenceRows, digest
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout, Profile, layout_of, profile
from tocsin_collector.profile.coarse import codes, shares
from tocsin_collector.profile.pairs import Pairs, profile_pairs
from tocsin_collector.quality import Labelled, QualityReference, Stakes, estimate, fit_quality, pack, weigh
from tocsin_collector.quality import data as learnt
from tocsin_collector.quality.data import DataReference, Observed
from tocsin_collector.quality.text.measure import count, measured
from tocsin_collector.quality.text.reference import TextReference
from tocsin_collector.quality.text.reference import fit as fit_text
from tocsin_collector.quality.text.sampled import texts
from tocsin_collector.verdict import (
    CheckVerdict,
    Decision,
    EstimateVerdict,
    FeatureVerdict,
    JointVerdict,
    QualityVerdict,
)

STRIKES = 2
"""So many windows in a row must be beyond a bound of quality before it alarms."""
MATURE = 0.9
"""Quality is judged once this share of the labels that the reference had has come, or when no more are waited for: the
labels that come first are not like the others."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What is normal for one model version, learnt from its reference cut into windows of the same length."""

    layout: Layout
    drift: Reference
    policy: policy.Policy | None
    """Decides over windows as they come; None where each is held against the thresholds of ``drift``."""
    data: DataReference | None
    text: TextReference | None
    qualities: QualityReference | None
    coverage: float
    outcome_means: dict[str, float]
    about: dict[str, object]
    digest: str
    """The reference's content by its name."""
    pairs: joint.JointReference | None = None
    days: Days | None = None
    """The reference's days, by which one day's rows are held against them."""
    estimators: estimate.Estimators | None = None

    @staticmethod
    def fit(rows: ReferenceRows, calendar: Calendar, about: dict[str, object], *, calibrated: bool = True) -> "Judge":
        """Learn it. ``about`` is what the page tells of the reference; ``calibrated`` wants the sequential policy where
        the reference can carry one."""
        layout = layout_of([rows.frame])
        spans = _windows(rows.frame, calendar)
        parts = [rows.frame.take(span) for span in spans]
        counted = [profile(part, layout) for part in parts]
        starts = [calendar.start_s(int(calendar.index(part.time_us[:1])[0])) for part in parts]
        decides, how = _policy(list(zip(starts, counted, strict=True)), layout, calendar, calibrated)
        labelled = [] if rows.labels is None else [_labelled(rows, rows.labels, span) for span in spans]
        return Judge(
            layout,
            fit(counted, layout),
            decides,
            learnt.fit(parts),
            fit_text([count(map(measured, texts(part.columns.get("prediction")))) for part in parts]),
            fit_quality(labelled),
            0.0 if rows.labels is None else float(rows.labels.valid.mean()),
            {
                name: float(values.data[values.valid].mean())
                for name, values in rows.outcomes.items()
                if values.valid.any()
            },
            {**about, "windows": len(spans), "decisions": how},
            digest(rows),
            joint.fit([profile_pairs(part, layout) for part in parts]),
            Days.of(parts, layout, calendar),
            _estimators(rows, layout),
        )

    def features(self, counted: Profile, min_rows: int, decision: Decision | None = None) -> dict[str, FeatureVerdict]:
        """Each feature of a window against the reference; where the policy decided of it, its reasons count alone."""
        found = compare(self.drift, counted, min_rows)
        return found if decision is None else told(self.drift, counted, found, decision)

    def together(self, counted: Pairs, min_rows: int) -> JointVerdict | None:
        """How the features of a window go together."""
        return joint.score(self.pairs, counted) if self.pairs is not None and counted.rows >= min_rows else None

    def answers(self, said: estimate.Said, counted: Profile, losses: NDArray[np.int64]) -> estimate.Answers:
        """What each estimator says of a window before its labels."""
        return estimate.answers(self.estimators, said, shares(counted), losses) if self.estimators else {}

    def before_labels(
        self, answers: estimate.Answers, rows: int, past: Sequence[estimate.Past], quality: QualityVerdict | None
    ) -> EstimateVerdict | None:
        """What a window's quality probably is, by what windows with labels have shown; and once its own have come, why
        it is what it is."""
        if self.estimators is None:
            return None
        verdict = estimate.tell(self.estimators, answers, rows, past)
        if verdict is None or quality is None or not quality.mature:
            return verdict
        reference = {name: score.value for name, score in self.estimators.reference.items()}
        found = estimate.shifts(reference, answers.get(estimate.WEIGHTED, {}), quality.scores)
        return replace(verdict, shifts={name: (one.covariate, one.concept) for name, one in found.items()})

    def checks(self, observed: Observed, min_rows: int, rows: int) -> tuple[CheckVerdict, ...] | None:
        """The learnt checks of a window's data that fail; None where it has too few rows to tell."""
        return None if self.data is None or rows < min_rows else learnt.judge(self.data, observed)


def quality(
    known: Judge | None,
    labelled: Labelled,
    predictions: int,
    final: bool,
    min_rows: int,
    before: QualityVerdict | None,
    stakes: Stakes,
) -> QualityVerdict | None:
    """The quality of a window of so many predictions on the labels that came, None while there is none; ``before`` is
    the window before's, ``final`` says that no more labels are waited for.

    What comes too early, or is the first beyond a bound, is told and does not alarm. Without a reference nobody knows
    how many labels are still to come.
    """
    if not len(labelled.label.valid):
        return None
    reference = known.qualities if known else None
    verdict, tally = weigh(reference, labelled, predictions=predictions, min_rows=min_rows, stakes=stakes)
    if not final and verdict.coverage < (MATURE * known.coverage if known else 1):
        return replace(verdict, reasons=(), mature=False)
    verdict = replace(verdict, tally=pack(tally))  # before, no one adds it to others
    if not verdict.reasons:
        return verdict
    strikes = 1 + (before.strikes if before else 0)
    lasting = tuple(f"{reason}, {strikes} windows in a row" for reason in verdict.reasons)
    return replace(verdict, reasons=lasting if strikes >= STRIKES else (), strikes=strikes)


def _policy(
    windows: list[tuple[float, Profile]], layout: Layout, calendar: Calendar, calibrated: bool
) -> tuple[policy.Policy | None, dict[str, object]]:
    """The policy, and what to tell of how is decided."""
    if not calibrated:
        return None, {"policy": "threshold", "reason": "the configuration says so (drift.policy)"}
    try:
        found = policy.fit(
            windows, layout, window_s=calendar.length_s, east_s=calendar.east_s, holidays=calendar.holidays
        )
    except policy.Insufficient as error:
        return None, {"policy": "threshold", "reason": str(error)}
    return found, {
        "policy": "calibrated",
        "false_alarms_per_month": found.rate,
        "level_nats": found.level,
        "spiky": list(found.spiky),
    }


def _windows(frame: Frame, calendar: Calendar) -> list[NDArray[np.intp]]:
    index = calendar.index(frame.time_us)
    order = np.argsort(index, kind="stable")
    starts = np.flatnonzero(np.diff(index[order])) + 1
    return np.split(order, starts)


def _estimators(rows: ReferenceRows, layout: Layout) -> estimate.Estimators | None:
    if rows.labels is None:
        return None
    columns = rows.frame.columns
    return estimate.fit(rows.labels, columns.get("prediction"), rows.frame.group("score."), codes(rows.frame, layout))


def _labelled(rows: ReferenceRows, labels: Values, span: NDArray[np.intp]) -> Labelled:
    part = span[labels.valid[span]]
    columns = rows.frame.columns
    prediction = columns["prediction"].take(part) if "prediction" in columns else None
    scores = {name: values.take(part) for name, values in rows.frame.group("score.").items()}
    return Labelled(labels.take(part), prediction, scores)
