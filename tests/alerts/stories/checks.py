"""The learnt checks of a model's data."""

from tests.alerts.promtool import Story
from tests.alerts.stories.telling import COLLECTOR, MODEL, Course, Gauge, named, standard


def stories() -> list[Story]:
    """Those of the alert: it fires with the first window that fails."""
    of = {**MODEL, "check": "range", **COLLECTOR}
    failures = named("tocsin_data_check_failures", of)
    return standard("DataCheckFailed", {failures: Gauge(1.0, 0.0)}, of, Course(1.0))
