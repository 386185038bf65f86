"""Quality: pure functions from labelled predictions to scores and verdicts."""

from tocsin_collector.quality.judge import judge
from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.measure import Measured, measure
from tocsin_collector.quality.outcomes import outcome
from tocsin_collector.quality.reference import QualityReference, fit_quality

__all__ = ["Labelled", "Measured", "QualityReference", "fit_quality", "judge", "measure", "outcome"]
