"""What the way in counts, under the names of the catalogue."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tocsin_collector.export.exposition import Sample
from tocsin_collector.frame import Frame
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import PREDICTION, TYPES
from tocsin_schema.metric import OVERFLOW

MAX_MODELS = 1_000
"""Model versions with a series of their own; the predictions of all others share ``_other``."""


class Counters:
    """Plain counters; only the event loop's thread touches them. What was accepted and predicted is restored at each
    start: it counts events, not what this process did."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter(dict.fromkeys(TYPES, 0))
        self.duplicate: Counter[str] = Counter(dict.fromkeys(TYPES, 0))
        self.rejected: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.predictions: Counter[ModelKey] = Counter()
        self.apply_errors = 0

    def applied(self, frame: Frame) -> None:
        """A block of new rows is durable; live or found again at the start."""
        self.accepted[frame.type] += frame.rows
        if frame.type == PREDICTION and frame.rows:
            key = frame.key
            if key not in self.predictions and len(self.predictions) >= MAX_MODELS:
                key = ModelKey(OVERFLOW, OVERFLOW, OVERFLOW)
            self.predictions[key] += frame.rows

    def state(self) -> dict[str, Any]:
        """What counts events, as plain values; ``load`` takes it."""
        return {"accepted": dict(self.accepted), "predictions": [[*key, n] for key, n in self.predictions.items()]}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what another one counted."""
        self.accepted.update(state["accepted"])
        self.predictions.update({ModelKey(*key): count for *key, count in state["predictions"]})

    def samples(self) -> Iterator[Sample]:
        """Every counter as it stands now."""
        yield from _by("tocsin_events_accepted_total", "type", self.accepted)
        yield from _by("tocsin_events_duplicate_total", "type", self.duplicate)
        yield from _by("tocsin_events_rejected_total", "code", self.rejected)
        yield from _by("tocsin_ingest_requests_total", "code", self.requests)
        yield Sample("tocsin_ingest_apply_errors_total", {}, self.apply_errors)
        for key, count in self.predictions.items():
            yield Sample("tocsin_predictions_total", key._asdict(), count)


def _by(name: str, label: str, counts: Counter[str]) -> Iterator[Sample]:
    for value, count in counts.items():
        yield Sample(name, {label: value}, count)
