"""One alarm's life: pending while its condition has not held long enough, firing, resolved. Pure; the clock is
given."""

from dataclasses import dataclass, replace

PENDING, FIRING, RESOLVED = "pending", "firing", "resolved"

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]
"""The alert's name and the sorted labels that tell its alarms apart."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert that holds (or held) for some labels. Times are seconds since the Unix epoch, by the collector's clock.

    ``reasons`` are sentences; ``value`` is the comparison's, None for alarms of windows; ``window`` is the start and
    end of the window that was judged, in event time."""

    alert: str
    severity: str
    labels: Labels
    state: str
    since_s: float
    fired_s: float | None = None
    resolved_s: float | None = None
    value: float | None = None
    reasons: tuple[str, ...] = ()
    window: tuple[float, float] | None = None
    beside: tuple[str, ...] = ()
    """What else is to be said of the window to whom is told first; it is not kept."""

    @property
    def key(self) -> Key:
        """What tells it from other alarms."""
        return self.alert, self.labels


def step(known: Alarm | None, seen: Alarm | None, now: float, for_s: float) -> Alarm | None:
    """The alarm after one judgement.

    ``known`` is the pending or firing alarm, ``seen`` the condition that holds now (its times are not looked at), None
    when it does not hold. Returns None where there is no alarm; a resolved one is returned once.

    The cases: nothing -> nothing; new -> pending, or firing when it need not wait; pending -> firing after ``for_s``;
    pending and over -> nothing; firing -> firing; firing and over -> resolved.
    """
    if seen is None:
        return replace(known, state=RESOLVED, resolved_s=now) if known and known.state == FIRING else None
    since = known.since_s if known else now
    if known and known.state == FIRING:
        return replace(seen, state=FIRING, since_s=since, fired_s=known.fired_s)
    if now - since >= for_s:
        return replace(seen, state=FIRING, since_s=since, fired_s=now)
    return replace(seen, state=PENDING, since_s=since)
