"""From alerts of a notification to messages. An alert of the catalogue reads as the collector's own alarm does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from tocsin_alerts import Alert
from tocsin_alerts.alert import CHECKS, DAILY, DATA, DRIFT, JOINT, QUALITY, RULES, TEXT
from tocsin_collector.alarms import messages
from tocsin_collector.alarms.state import FIRING, RESOLVED, Alarm, Key, Labels
from tocsin_collector.alarms.text import Message, clock, lasted, subject
from tocsin_collector.notifications.notification import Notified

OF_A_MODEL = ("project", "model", "version")
_OWN_LABELS = ("alertname", "severity")
_WINDOWS = (RULES, CHECKS, DATA, DRIFT, JOINT, DAILY, TEXT, QUALITY)
_SEVERITIES = {"page": "critical", "error": "critical", "ticket": "warning", "none": "info"}
_SHOWN_LABELS = 12

Known = Callable[[Key, float], Alarm | None]
"""The collector's own alarm of a key that fires, or that ended after a time."""


@dataclass(frozen=True, slots=True)
class Told:
    """Alerts of one notification that are one alarm to people: of a model's window alert all features together."""

    key: Key
    alerts: tuple[Notified, ...]

    @property
    def firing(self) -> tuple[Notified, ...]:
        """Those that fire; while there is one, the alarm is not over."""
        return tuple(alert for alert in self.alerts if alert.firing)


@dataclass(frozen=True, slots=True)
class Words:
    """What the wording needs beside the alerts: the catalogue, what the collector itself knows, where its page is."""

    alerts: dict[str, Alert]
    known: Known
    page_url: str
    utc_offset_s: float = 0.0


def together(notified: Iterable[Notified], alerts: dict[str, Alert]) -> list[Told]:
    """The alarms of a notification, in its order."""
    found: dict[Key, list[Notified]] = {}
    for alert in notified:
        found.setdefault(_key(alert, alerts.get(alert.name)), []).append(alert)
    return [Told(key, tuple(each)) for key, each in found.items()]


def _key(notified: Notified, alert: Alert | None) -> Key:
    """The key of the alarm that the collector would raise for it."""
    ours = _OWN_LABELS if alert else ("alertname",)  # the same rule of others may have two severities
    wanted: Sequence[str] = [name for name in notified.labels if name not in ours]
    if alert is not None and alert.window:
        wanted = OF_A_MODEL
    elif alert is not None and alert.comparison is not None and alert.comparison.by is not None:
        wanted = alert.comparison.by
    labels = notified.labels
    return notified.name, tuple(sorted((name, labels[name]) for name in wanted if labels.get(name)))


def written(told: Sequence[Told], words: Words, now: float, sender: str) -> list[Message]:
    """The messages: what began or ended with one window of one model in one, everything else each by itself."""
    made: list[Message] = []
    windows: dict[tuple[Labels, bool], list[Told]] = {}
    for each in told:
        alert = words.alerts.get(each.key[0])
        if alert is None:
            made.append(_foreign(each, now, sender))
        elif alert.window:
            windows.setdefault((each.key[1], bool(each.firing)), []).append(each)
        else:
            made.append(_compared(each, words, now))
    for same in windows.values():
        same.sort(key=lambda one: _WINDOWS.index(words.alerts[one.key[0]].window))
        made.append(_message([_alarm(one, words, now) for one in same], words))
    return made


def _message(alarms: list[Alarm], words: Words) -> Message:
    if alarms[0].state == RESOLVED:
        made = messages.resolved(alarms, words.page_url, words.utc_offset_s)
        models = [alarm for alarm in alarms if words.alerts[alarm.alert].window]
        own = [words.known(alarm.key, alarm.resolved_s or 0.0) for alarm in models]
        if any(each is not None and each.state == FIRING for each in own):
            # The collector judges before it can be scraped: the other judge has lost sight of a thing that lasts.
            made = replace(made, facts=(*made.facts, ("Note", "by the collector's own judgement it still fires")))
        return made
    return messages.firing(alarms, words.alerts, words.page_url, words.utc_offset_s)


def _compared(told: Told, words: Words, now: float) -> Message:
    """Prometheus has put the value into the rule's texts, which come from the same catalogue."""
    message = _message([_alarm(told, words, now)], words)
    if not told.firing:
        return message
    said = told.firing[0].annotations
    return replace(
        message,
        headline=said.get("summary") or message.headline,
        reasons=(said["description"],) if said.get("description") else message.reasons,
    )


def _alarm(told: Told, words: Words, now: float) -> Alarm:
    name, labels = told.key
    alert, firing = words.alerts[name], told.firing
    starts = min(each.starts_s for each in firing or told.alerts)
    alarm = Alarm(name, alert.severity, labels, FIRING, starts, fired_s=starts)
    if not firing:
        alarm = replace(alarm, state=RESOLVED, resolved_s=_ended(told, now))
    own = words.known(told.key, starts) if alert.window else None
    if own is not None:  # the collector knows why, Prometheus only that
        return replace(alarm, reasons=own.reasons, window=own.window)
    said = (each.annotations.get("description") or each.annotations.get("summary", "") for each in firing)
    return replace(alarm, reasons=tuple(filter(None, said)) if alert.window else ())


def _ended(told: Told, now: float) -> float:
    return max((each.ends_s for each in told.alerts if each.ends_s is not None), default=now)


def _foreign(told: Told, now: float, sender: str) -> Message:
    """An alert that is not ours: what its rule says, and nothing made up."""
    one = (told.firing or told.alerts)[0]
    said, links = one.annotations, []
    for name, text in (("Runbook", said.get("runbook_url")), ("Board", said.get("dashboard_url"))):
        links += [(name, text)] if text else []
    links += [(f"Rule ({sender})", one.source_url)] if one.source_url else []
    headline = said.get("summary") or said.get("message") or one.name
    if not told.firing:
        ended = _ended(told, now)
        headline = f"{one.name} over after {lasted(ended - one.starts_s)}"
        facts = [("Fired", clock(one.starts_s)), ("Resolved", clock(ended))]
        return Message("resolved", _subject(one), headline, (), (*facts, _labels(one)), tuple(links))
    reasons = (said["description"],) if said.get("description") else ()
    facts = [("Alert", one.name), ("Since", clock(one.starts_s)), _labels(one)]
    return Message(_severity(one), _subject(one), headline, reasons, tuple(facts), tuple(links))


def _severity(one: Notified) -> str:
    said = one.labels.get("severity", "").lower()
    said = _SEVERITIES.get(said, said)
    return said if said in messages.SEVERITIES else "warning"


def _subject(one: Notified) -> str:
    if one.labels.get("model"):
        return subject(one.labels)
    return one.labels.get("instance") or one.labels.get("job") or one.name


def _labels(one: Notified) -> tuple[str, str]:
    shown = [f"{name}={value}" for name, value in sorted(one.labels.items()) if name not in _OWN_LABELS]
    more = f" and {len(shown) - _SHOWN_LABELS} more" if len(shown) > _SHOWN_LABELS else ""
    return "Labels", ", ".join(shown[:_SHOWN_LABELS]) + more or "none"
