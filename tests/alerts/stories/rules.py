"""The rules of a model's data."""

from tests.alerts.promtool import Story
from tests.alerts.stories.telling import COLLECTOR, MODEL, Course, Gauge, named, standard


def stories() -> list[Story]:
    """Those of the alert: it fires with the first window that breaks one rule."""
    of = {**MODEL, **COLLECTOR}
    return standard("DataRuleBroken", {named("tocsin_data_rules_broken", of): Gauge(1.0, 0.0)}, of, Course(1.0))
