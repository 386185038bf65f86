"""What came through /v1/notifications: each alarm is told once when it begins and once when it is over.

Alertmanager sends a notification again when our answer was lost, when it restarts from an old note of what it sent, and
on purpose at its ``repeat_interval`` (4 hours by default). The first two come within minutes: what was told in the last
half hour is not told again; what comes later is a reminder and is told. An end is told once.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import tocsin_alerts
from tocsin_collector.alarms import Alarms
from tocsin_collector.alarms.text import Message
from tocsin_collector.export.exposition import Sample
from tocsin_collector.notifications.notification import Notification, Notified
from tocsin_collector.notifications.wording import Told, Words, together, written

REPEAT_S = 1_800.0


@dataclass(frozen=True, slots=True)
class InboxView:
    """How many notifications came and what became of them. ``last_s`` is None before the first."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    last_s: float | None = None
    last_sender: str = ""
    last_refusal: str = ""


class Inbox:
    """Takes notifications into the queue of the alarms' messages. Safe from any thread."""

    def __init__(self, alarms: Alarms, *, page_url: str, utc_offset_s: float = 0.0, clock: Callable[[], float]) -> None:
        self._alarms = alarms
        self._clock = clock
        self._words = Words(tocsin_alerts.alerts(), alarms.known, page_url.rstrip("/"), utc_offset_s)
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(("accepted", "duplicate", "refused"), 0)
        self._last: tuple[float | None, str] = None, ""
        self._refusal = ""

    def take(self, found: Notification) -> int:
        """Put its messages into the queue, durably; how many. Raises sqlite3.Error or OSError when that fails."""
        with self._lock:
            now = self._clock()
            alarms = together(found.alerts, self._words.alerts)
            marks = list(dict.fromkeys(map(mark, found.alerts)))
            recent = {name for name, told_s in self._alarms.marked(marks).items() if _counts(name, told_s, now)}
            told = [each for each in alarms if not _was_told(each, recent)]
            made = written(told, self._words, now, found.sender)
            if made and found.left_out:
                made[-1] = _with_left_out(made[-1], found)
            self._alarms.post(made, [name for name in marks if name not in recent])
            self._counts["accepted" if made else "duplicate"] += 1
            self._last = now, found.sender
            return len(made)

    def refused(self, reason: str) -> None:
        """Count a request that was no notification."""
        with self._lock:
            self._counts["refused"] += 1
            self._refusal = reason

    def view(self) -> InboxView:
        """What came until now, since the start of the process."""
        with self._lock:
            return InboxView(
                **self._counts, last_s=self._last[0], last_sender=self._last[1], last_refusal=self._refusal
            )

    def samples(self) -> Iterator[Sample]:
        """The inbox's own metrics."""
        for outcome, count in self._counts.items():
            yield Sample("tocsin_notifications_received_total", {"outcome": outcome}, count)


def mark(alert: Notified) -> str:
    """What tells one beginning or end of one alert from all others."""
    told = json.dumps([sorted(alert.labels.items()), alert.starts_s])
    return f"{'firing' if alert.firing else 'over'} {hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _counts(name: str, told_s: float, now: float) -> bool:
    return name.startswith("over") or abs(now - told_s) < REPEAT_S


def _was_told(told: Told, recent: set[str]) -> bool:
    """The cases: one of those that fire was told, the others have joined it; all ends were told; else it is news."""
    if told.firing:
        return any(mark(alert) in recent for alert in told.firing)
    return all(mark(alert) in recent for alert in told.alerts)


def _with_left_out(message: Message, found: Notification) -> Message:
    said = f"{found.left_out} more alerts of this group, by its max_alerts"
    return replace(message, facts=(*message.facts, (f"Left out by {found.sender}", said)))
