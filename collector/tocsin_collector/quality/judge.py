"""A window's quality against the reference's."""

from collections.abc import Mapping
from dataclasses import replace

from tocsin_collector.frame import Values
from tocsin_collector.quality.interval import Scored, normal
from tocsin_collector.quality.labelled import Labelled, sound
from tocsin_collector.quality.measure import ACCURACY, AUC, RISES, Measured, baseline_sound, measure_sound
from tocsin_collector.quality.reference import QualityReference
from tocsin_collector.quality.remarks import remarks
from tocsin_collector.quality.scores import count, count_sound, scores
from tocsin_collector.quality.segments import SEGMENTS_MOST, places
from tocsin_collector.quality.stakes import Stakes, misses
from tocsin_collector.quality.tally import Tally, merge, pack
from tocsin_collector.verdict import QualityVerdict

TITLES = {
    "auc": "AUC", "pr_auc": "PR-AUC", "log_loss": "log loss", "brier": "Brier score", "mae": "mean absolute error",
    "rmse": "RMSE", "ndcg": "NDCG", "jaccard": "Jaccard similarity", "mrr": "MRR", "r2": "R²", "mape": "MAPE",
}  # fmt: skip
_NOTHING = Stakes()


def judge(
    reference: QualityReference | None,
    rows: Labelled,
    *,
    predictions: int,
    min_rows: int,
    stakes: Stakes = _NOTHING,
) -> QualityVerdict:
    """What ``weigh`` says, with the rows' tally."""
    verdict, tally = weigh(reference, rows, predictions=predictions, min_rows=min_rows, stakes=stakes)
    return replace(verdict, tally=pack(tally))


def weigh(
    reference: QualityReference | None,
    rows: Labelled,
    *,
    predictions: int,
    min_rows: int,
    stakes: Stakes = _NOTHING,
) -> tuple[QualityVerdict, Tally]:
    """Score the labelled rows of a window of so many ``predictions``; with fewer than ``min_rows`` nothing alarms.

    Without a reference the scores are told and only floors are judged. Accuracy is told beside its baseline and never
    alarms by itself: where one class is rare it hardly moves, and where the classes' shares move it moves without any
    fault. Of the other scores those of ``measure.NAMES`` alarm, and those that have a floor.
    """
    usable = sound(rows)
    found, tally = measure_sound(usable), count_sound(usable, rows.delay_s)
    tally.update(stakes.count(tally))
    told = _told(found, tally)
    known = reference.scores if reference else {}
    thresholds = {
        name: one.value + (-1 if name in RISES else 1) * one.slack(found.rows)
        for name, one in known.items()
        if name != ACCURACY and name in told
    }
    judged = thresholds if found.rows >= min_rows else {}
    beyond = [name for name, bound in judged.items() if not _within(name, told[name].value, bound)]
    below = [name for name in stakes.floors if found.rows >= min_rows and _misses(name, told, stakes)]
    verdict = QualityVerdict(
        labelled=found.rows,
        coverage=found.rows / predictions if predictions else 0.0,
        scores={name: scored.value for name, scored in told.items()},
        baseline=baseline_sound(usable, reference.constant if reference else found.constant),
        reference={**(reference.told if reference else {}), **{name: one.value for name, one in known.items()}},
        thresholds=thresholds,
        reasons=(
            *(_sentence(name, told[name].value, known[name].value, thresholds[name]) for name in beyond),
            *(_floor_sentence(name, told[name], stakes.floors[name]) for name in below),
        ),
        intervals={name: (scored.low, scored.high) for name, scored in told.items()},
        floors={name: floor for name, floor in stakes.floors.items() if name in told},
        remarks=tuple(remarks(rows, found, tally)),
    )
    return verdict, tally


def _told(found: Measured, tally: Tally) -> dict[str, Scored]:
    """All scores; AUC by the rows themselves, which needs no cells."""
    all_of = scores(tally)
    if AUC in found.scores:
        all_of[AUC] = normal(*found.scores[AUC], 0, 1)
    first = [name for name in found.scores if name in all_of]
    return {name: all_of[name] for name in [*first, *(name for name in all_of if name not in found.scores)]}


def by_segment(rows: Labelled, stakes: Stakes) -> dict[str, dict[str, bytes]]:
    """The packed tallies of a window's rows by segment and value."""
    return {name: _by_value(rows, values, stakes) for name, values in list(rows.segments.items())[:SEGMENTS_MOST]}


def _by_value(rows: Labelled, values: Values, stakes: Stakes) -> dict[str, bytes]:
    tallies = {name: count(rows.take(part)) for name, part in places(values).items()}
    return {name: pack(merge([tally, stakes.count(tally)])) for name, tally in tallies.items()}


def _within(name: str, value: float, bound: float) -> bool:
    return value >= bound if name in RISES else value <= bound  # a NaN is within nothing: it alarms


def _misses(name: str, told: Mapping[str, Scored], stakes: Stakes) -> bool:
    return name in told and misses(name, told[name], stakes.floors[name])


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " "))


def _sentence(name: str, value: float, normal: float, bound: float) -> str:
    return f"{_title(name)} is {value:.3g}, {normal:.3g} in the reference (bound {bound:.3g})"


def _floor_sentence(name: str, scored: Scored, floor: float) -> str:
    side = "at least" if name in RISES else "at most"
    return f"{_title(name)} is {scored.value:.3g}; {side} {floor:.3g} was stated as its floor"
