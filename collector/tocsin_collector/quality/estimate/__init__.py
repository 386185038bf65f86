"""Quality before labels come: pure functions from what a model said, and its features' counts, to estimates."""

from tocsin_collector.quality.estimate.choice import Answers, Past
from tocsin_collector.quality.estimate.estimators import WEIGHTED, Estimators, answers, fit, losses, tell
from tocsin_collector.quality.estimate.said import Said, said
from tocsin_collector.quality.estimate.shift import Shift, shifts

__all__ = [
    "WEIGHTED",
    "Answers",
    "Estimators",
    "Past",
    "Said",
    "Shift",
    "answers",
    "fit",
    "losses",
    "said",
    "shifts",
    "tell",
]
