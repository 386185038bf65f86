"""The alarm page: what fires, what waits, what was, who is told, and what is watched."""

import tocsin_alerts
from tocsin_collector.alarms import Alarm
from tocsin_collector.page.address import model_path
from tocsin_collector.page.view import Sources


def context(sources: Sources) -> dict[str, object]:
    """What the template needs."""
    return {
        "pending": sources.alarms.pending(),
        "history": sources.alarms.history(),
        "targets": sources.alarms.targets(),
        "targets_fault": sources.alarms.targets_fault,
        "judge": sources.alarms.judge,
        "received": sources.received(),
        "groups": tocsin_alerts.catalogue.by_group(),
    }


def about(alarm: Alarm) -> str:
    """The model, the host, or tocsin itself."""
    labels = dict(alarm.labels)
    return labels.get("model") or labels.get("instance") or "tocsin"


def href_of(alarm: Alarm) -> str:
    """Where an alarm's subject is looked at."""
    labels = dict(alarm.labels)
    if labels.get("model"):
        end = f"?end={alarm.window[1]:.0f}" if alarm.window else ""
        return model_path(labels.get("project", ""), labels["model"], labels.get("version", "")) + end
    return "/"
