"""From alarms that began or ended together to the one message that tells of them."""

from collections.abc import Sequence

from tocsin_alerts import Alert, number
from tocsin_alerts.alert import CRITICAL, filled
from tocsin_collector.alarms.state import Alarm
from tocsin_collector.alarms.text import Message, clock, lasted, span, subject
from tocsin_collector.page.address import model_path

SEVERITIES = ("info", "warning", "critical")


def firing(alarms: Sequence[Alarm], alerts: dict[str, Alert], page_url: str, utc_offset_s: float = 0.0) -> Message:
    """The message of alarms that began at one judgement of one subject, in the order that they are given."""
    first, labels = alarms[0], dict(alarms[0].labels)
    reasons = tuple(reason for alarm in alarms for reason in alarm.reasons)
    severity = max((alarm.severity for alarm in alarms), key=SEVERITIES.index, default=CRITICAL)
    described = tuple(
        filled(alerts[first.alert].description, labels, shown(first, alerts)) for _ in (0,) if not reasons
    )
    return Message(
        kind=severity,
        subject=subject(labels),
        headline=headline(first, alerts) + (f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""),
        reasons=reasons or described,
        facts=(
            *_window(first, utc_offset_s),
            ("Since", clock(first.since_s)),
            *(("Beside", text) for text in first.beside),
        ),
        links=(
            *_page(labels, first, page_url),
            *((f"Runbook {name}", f"{page_url}/runbooks/{name}") for name in _names(alarms)),
        ),
    )


def resolved(alarms: Sequence[Alarm], page_url: str, utc_offset_s: float = 0.0) -> Message:
    """The message of alarms that ended at one judgement of one subject."""
    first, labels = alarms[0], dict(alarms[0].labels)
    ended = first.resolved_s or 0.0
    return Message(
        kind="resolved",
        subject=subject(labels),
        headline=f"{', '.join(_names(alarms))} over after {lasted(ended - (first.fired_s or ended))}",
        facts=(*_window(first, utc_offset_s), ("Fired", clock(first.fired_s or ended)), ("Resolved", clock(ended))),
        links=_page(labels, first, page_url),
    )


def headline(alarm: Alarm, alerts: dict[str, Alert]) -> str:
    """The first reason, or the alert's own summary."""
    if alarm.reasons:
        return alarm.reasons[0]
    return filled(alerts[alarm.alert].summary, dict(alarm.labels), shown(alarm, alerts))


def shown(alarm: Alarm, alerts: dict[str, Alert]) -> str:
    """An alarm's value as people read it, in Prometheus' templates too."""
    if alarm.value is None:
        return ""
    return number.written(alarm.value, alerts[alarm.alert].unit)


def _names(alarms: Sequence[Alarm]) -> list[str]:
    return list(dict.fromkeys(alarm.alert for alarm in alarms))


def _window(alarm: Alarm, utc_offset_s: float) -> tuple[tuple[str, str], ...]:
    return (("Window", span(*alarm.window, utc_offset_s)),) if alarm.window else ()


def _page(labels: dict[str, str], alarm: Alarm, page_url: str) -> tuple[tuple[str, str], ...]:
    if not labels.get("model"):
        return (("Page", f"{page_url}/"), ("Alarms", f"{page_url}/alarms"))
    path = model_path(labels.get("project", ""), labels["model"], labels.get("version", ""))
    end = f"?end={alarm.window[1]:.0f}" if alarm.window else ""
    return (("Page", f"{page_url}{path}{end}"),)
