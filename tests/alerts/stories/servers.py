"""The servers beside the collector."""

from tests.alerts.promtool import Story
from tests.alerts.stories.telling import COLLECTOR, Course, Gauge, named, standard


def stories() -> list[Story]:
    """Those of the alert."""
    of = {"server": "grafana", **COLLECTOR}
    return standard("ServerDown", {named("tocsin_server_up", of): Gauge(0.0, 1.0)}, of, Course(0.0))
