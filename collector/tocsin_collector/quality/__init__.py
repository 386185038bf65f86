"""Quality: pure functions from labelled predictions to scores and verdicts."""

from tocsin_collector.quality.judge import by_segment, judge, weigh
from tocsin_collector.quality.labelled import Labelled, is_list
from tocsin_collector.quality.measure import FALLS, RISES, Measured, measure
from tocsin_collector.quality.outcomes import by_segment as outcomes_by_segment
from tocsin_collector.quality.outcomes import outcome
from tocsin_collector.quality.reference import QualityReference, fit_quality
from tocsin_collector.quality.segments import SEGMENTS_MOST
from tocsin_collector.quality.stakes import Stakes
from tocsin_collector.quality.tally import pack

__all__ = [
    "FALLS",
    "RISES",
    "SEGMENTS_MOST",
    "Labelled",
    "Measured",
    "QualityReference",
    "Stakes",
    "by_segment",
    "fit_quality",
    "is_list",
    "judge",
    "measure",
    "outcome",
    "outcomes_by_segment",
    "pack",
    "weigh",
]
