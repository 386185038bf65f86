"""What the way in counts, under the names of the catalogue."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tocsin_collector.frame import Frame
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import PREDICTION, TYPES
from tocsin_schema.metric import OVERFLOW, Metric
from tocsin_schema.metrics.ingest import METRICS

MAX_MODELS = 1_000
"""Model versions with a series of their own; the predictions of all others share ``_other``."""

_METRICS = {metric.name: metric for metric in METRICS}


class Sample(NamedTuple):
    """One value of /metrics."""

    metric: Metric
    labels: dict[str, str]
    value: float


class Counters:
    """Plain counters; only the event loop's thread touches them."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter(dict.fromkeys(TYPES, 0))
        self.duplicate: Counter[str] = Counter(dict.fromkeys(TYPES, 0))
        self.rejected: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.predictions: Counter[ModelKey] = Counter()
        self.apply_errors = 0

    def applied(self, frame: Frame) -> None:
        """A block of new rows is durable; live or found again at the start."""
        if frame.type == PREDICTION:
            key = frame.key
            if key not in self.predictions and len(self.predictions) >= MAX_MODELS:
                key = ModelKey(OVERFLOW, OVERFLOW, OVERFLOW)
            self.predictions[key] += frame.rows

    def samples(self) -> Iterator[Sample]:
        """Every counter as it stands now."""
        yield from _by("tocsin_events_accepted_total", "type", self.accepted)
        yield from _by("tocsin_events_duplicate_total", "type", self.duplicate)
        yield from _by("tocsin_events_rejected_total", "code", self.rejected)
        yield from _by("tocsin_ingest_requests_total", "code", self.requests)
        yield sample("tocsin_ingest_apply_errors_total", self.apply_errors)
        for key, count in self.predictions.items():
            yield Sample(_METRICS["tocsin_predictions_total"], key._asdict(), count)


def sample(name: str, value: float) -> Sample:
    """A value without labels."""
    return Sample(_METRICS[name], {}, value)


def _by(name: str, label: str, counts: Counter[str]) -> Iterator[Sample]:
    for value, count in counts.items():
        yield Sample(_METRICS[name], {label: value}, count)
