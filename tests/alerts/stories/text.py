"""The answers of a model that answers in texts."""

from tests.alerts.promtool import Story
from tests.alerts.stories.telling import COLLECTOR, MODEL, Course, Gauge, named, standard

_OTHER = {"project": "lab", "model": "fraud", "version": "4", "measure": "empty"}


def stories() -> list[Story]:
    """Those of the alert: a measure beyond its bound, beside others, each different in one label, within wider ones."""
    of = {**MODEL, "measure": "refusal", **COLLECTOR}
    wide: dict[str, Gauge] = {}
    for label, value in _OTHER.items():
        wide |= _pair(of | {label: value}, Gauge(0.5, 0.5), 0.9)
    return standard("TextAnswersChanged", _pair(of, Gauge(0.31, 0.3), 0.3), of, Course(0.31), beside=wide)


def _pair(labels: dict[str, str], value: Gauge, bound: float) -> dict[str, Gauge]:
    threshold = named("tocsin_text_measure_threshold", labels)
    return {named("tocsin_text_measure", labels): value, threshold: Gauge(bound, bound)}
