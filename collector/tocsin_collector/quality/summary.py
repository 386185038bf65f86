"""What the labels of several windows say together: all scores with intervals, by class, by segment, and gaps."""

from collections.abc import Iterable
from typing import NamedTuple

from tocsin_collector.quality import calibration, confusion, curve, delay, multilabel, regression
from tocsin_collector.quality.fairness import Gap, gaps
from tocsin_collector.quality.interval import Scored
from tocsin_collector.quality.scores import scores
from tocsin_collector.quality.tally import Tally, merge, unpack
from tocsin_collector.verdict import QualityVerdict


class Part(NamedTuple):
    """The rows of one value of a segment; of several windows those in which it was among the largest."""

    labelled: int
    scores: dict[str, Scored]


class Summary(NamedTuple):
    """Windows added up. What a kind of model does not have is empty."""

    windows: int
    labelled: int
    scores: dict[str, Scored]
    classes: dict[str, confusion.OfClass]
    areas: dict[str, tuple[curve.Area | None, Scored | None]]
    """AUC and PR-AUC by class."""
    table: confusion.Table
    thresholds: dict[str, list[curve.AtThreshold]]
    calibration: dict[str, list[calibration.Point]]
    quantiles: list[regression.Coverage]
    labels: dict[str, tuple[int, int]]
    """Of a model of several labels: by label see ``multilabel.by_label``."""
    segments: dict[str, dict[str, Part]]
    gaps: dict[str, list[Gap]]
    label_delay_s: dict[float, float]


def summary(windows: Iterable[QualityVerdict]) -> Summary:
    """Add up windows whose labels have come; those that are not mature are left out."""
    used = [window for window in windows if window.mature]
    tally = merge(unpack(window.tally) for window in used)
    by_segment = _by_segment(used)
    return Summary(
        len(used),
        sum(window.labelled for window in used),
        scores(tally),
        confusion.by_class(tally),
        curve.by_class(tally),
        confusion.table(tally),
        curve.thresholds(tally),
        calibration.curve(tally),
        regression.coverages(tally),
        multilabel.by_label(tally),
        {name: {value: _part(one) for value, one in by_value.items()} for name, by_value in by_segment.items()},
        {name: gaps(by_value) for name, by_value in by_segment.items()},
        delay.quantiles(tally),
    )


def _by_segment(used: list[QualityVerdict]) -> dict[str, dict[str, Tally]]:
    found: dict[str, dict[str, Tally]] = {}
    for window in used:
        for name, by_value in window.segments.items():
            tallies = found.setdefault(name, {})
            for value, packed in by_value.items():
                tallies.setdefault(value, Tally()).update(unpack(packed))
    return found


def _part(tally: Tally) -> Part:
    return Part(rows_of(tally), scores(tally))


def rows_of(tally: Tally) -> int:
    """The scored rows of a tally, whatever its kind."""
    means = (tally["mean", name, "rows"] for name in ("mae", "mrr", "jaccard"))
    return max(tally["classified",], *means)
