"""tocsin itself: gone, and what was lost on the way."""

from tests.alerts.promtool import BEFORE, BELOW, FIRES, MISSING, RESOLVES, Check, Fires, Story
from tests.alerts.stories.telling import AGENT, COLLECTOR, TICK_S, Gauge, counted, named, told


def stories() -> list[Story]:
    """Those of each alert."""
    return [
        *_collector(),
        *counted("EventsDropped", "tocsin_capture_rows_dropped_total", {"reason": "full", **AGENT}),
        *counted("EventsRefused", "tocsin_events_rejected_total", {"code": "conflict", **COLLECTOR}),
        *counted(
            "ProjectOverQuota", "tocsin_requests_over_quota_total", {"project": "shop", "quota": "disk", **COLLECTOR}
        ),
    ]


def _collector() -> list[Story]:
    up, agent = named("up", COLLECTOR), named("up", AGENT)
    down, absent = (Fires(COLLECTOR, 0.0),), (Fires({"job": COLLECTOR["job"]}, 1.0),)

    def story(name: str, states: str, agents: str, *checks: Check) -> Story:
        series = {**told({up: Gauge(0.0, 1.0)}, states), **told({agent: Gauge(0.0, 1.0)}, agents)}
        return Story("CollectorDown", name, TICK_S, series, checks)

    return [
        story("fires, and ends", "g" * 2 + "b" * 10 + "g", "g" * 13, Check(BELOW, 60), Check(BEFORE, 210),
              Check(FIRES, 240, down), Check(FIRES, 660, down), Check(RESOLVES, 720)),
        story("an agent is down", "g" * 10, "b" * 10, Check(BELOW, 540)),
        # Out of Prometheus' sight is told too, under another alert of the name.
        story("its target is removed", "g" * 5 + "x" + "-" * 5, "g" * 11, Check(BEFORE, 390),
              Check(MISSING, 420, absent)),
        story("no target at all", "-", "g" * 10, Check(BEFORE, 90), Check(MISSING, 120, absent)),
    ]  # fmt: skip
