"""The answers of a model."""

from tests.alerts.promtool import Story
from tests.alerts.stories.telling import COLLECTOR, MODEL, Course, Gauge, named, standard


def stories() -> list[Story]:
    """Those of the alert: one bad window is a bad day, two are not."""
    of = {**MODEL, **COLLECTOR}
    return standard(
        "ModelQualityDrop", {named("tocsin_model_quality_bad_windows", of): Gauge(2.0, 1.0)}, of, Course(2.0)
    )
