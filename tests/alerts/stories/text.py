"""The answers of a model that answers in texts."""

from tests.alerts.promtool import Story
from tests.alerts.stories.telling import COLLECTOR, MODEL, Course, Gauge, named, standard


def stories() -> list[Story]:
    """Those of the alert: a measure beyond its bound."""
    of = {**MODEL, "measure": "refusal", **COLLECTOR}
    pair = {
        named("tocsin_text_measure", of): Gauge(0.31, 0.3),
        named("tocsin_text_measure_threshold", of): Gauge(0.3, 0.3),
    }
    return standard("TextAnswersChanged", pair, of, Course(0.31))
