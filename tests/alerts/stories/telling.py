"""What stories of alerts are made of; ``standard`` tells what all alerts have in common.

Values stand close to a bound: the bad one just beyond it, the good one exactly on it where the comparison is strict. So
a rule with another bound, another comparison or another ``for`` fails a story.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.alerts.promtool import BEFORE, BELOW, FIRES, MISSING, RESOLVES, STALE, Check, Fires, Story, Values
from tocsin_alerts import alerts

AGENT = {"instance": "http://a:10300", "job": "tocsin-agent"}
COLLECTOR = {"instance": "c:10301", "job": "tocsin-collector"}
MODEL = {"project": "shop", "model": "credit", "version": "3"}
TICK_S = 60
STEP_S = 30
"""Between two evaluations."""
LONG = 12
"""Ticks that are longer than any window of the alerts told here."""


def named(metric: str, labels: Mapping[str, str]) -> str:
    """A series as Prometheus writes it."""
    return metric + "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"


def without(labels: Mapping[str, str], *names: str) -> dict[str, str]:
    """Labels without some."""
    return {name: value for name, value in labels.items() if name not in names}


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is bad for a while."""

    bad: float
    good: float

    def values(self, states: str) -> list[float | str | None]:
        """A sample for each state: b(ad), g(ood), x (gone), - (not there)."""
        return [{"b": self.bad, "g": self.good, "x": STALE, "-": None}[state] for state in states]


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter and what it gains a tick."""

    bad: float
    good: float
    start: float = 0.0

    def values(self, states: str) -> list[float | str | None]:
        """As of a gauge."""
        total, found = self.start, list[float | str | None]()
        for state in states:
            total += {"b": self.bad, "g": self.good}.get(state, 0.0)
            found.append({"x": STALE, "-": None}.get(state, total))
        return found


Kinds = Mapping[str, Gauge | Counter]


def told(kinds: Kinds, states: str, left_out: str = "") -> dict[str, Values]:
    """The series through these states."""
    return {name: kind.values(states) for name, kind in kinds.items() if name != left_out}


@dataclass(frozen=True, slots=True)
class Course:
    """How an alert's condition comes and goes, in ticks: ``good`` ones go before, it holds ``holds_after`` the first
    bad one, and ``lasts`` after the last one. ``first`` is its value when it begins and just before it ends."""

    value: float
    first: float | None = None
    good: int = 1
    holds_after: int = 0
    lasts: int = 0
    tick_s: int = TICK_S


def standard(
    alert: str, kinds: Kinds, labels: Mapping[str, str], course: Course, beside: Kinds | None = None
) -> list[Story]:
    """Fires not before its time, ends, is silent just below, and says nothing of what is gone or was never there.

    The series of ``beside`` are there too; the alert does not need them.
    """
    tick_s, wait_s = course.tick_s, alerts()[alert].for_s
    edge, full = Fires(labels, course.value if course.first is None else course.first), Fires(labels, course.value)
    fires_s = (course.good + course.holds_after) * tick_s + wait_s
    bad = course.holds_after + wait_s // tick_s + (LONG if course.lasts else 2)
    end_s = (course.good + bad - 1) * tick_s
    over_s = end_s + (course.lasts or 1) * tick_s
    states, every = "g" * course.good + "b" * bad, {**kinds, **(beside or {})}
    last = [Check(FIRES, over_s - tick_s, (edge,))] if course.lasts else []
    stories = {
        "fires, and ends": (
            told(every, states + "g" * (course.lasts + 2)),
            [Check(BEFORE, fires_s - STEP_S), Check(FIRES, fires_s, (edge,)), Check(FIRES, end_s, (full,)), *last,
             Check(RESOLVES, over_s)],
        ),
        "just below": (told(every, "g" * len(states)), [Check(BELOW, fires_s), Check(BELOW, end_s)]),
        "its series go": (
            told(every, states + "x" + "-" * course.lasts), [Check(FIRES, end_s, (full,)), Check(MISSING, over_s)]
        ),
    }  # fmt: skip
    for name in kinds:
        stories[f"without {name}"] = (told(every, states, name), [Check(MISSING, fires_s), Check(MISSING, end_s)])
    return [Story(alert, name, tick_s, series, tuple(checks)) for name, (series, checks) in stories.items()]


def born(alert: str, metric: str, labels: Mapping[str, str]) -> Story:
    """What counters of rare events need: the first event counts, and an old one that is seen anew does not.

    Side by side: one that is born at 1, one that is born at 0, one that was there when Prometheus began, one whose host
    was down, and one that is scraped by a Prometheus that was down.
    """
    target = {name: labels[name] for name in ("job", "instance")}
    half = 15
    whole: Values = [1.0] * 40
    gap: Values = [1.0] * half + [None] * 12 + [1.0] * 13
    scrapes: dict[str, Values] = {
        named("up", target): whole,
        named("up", target | {"job": "another"}): whole,
        named("up", target | {"instance": "zero"}): whole,
        named("up", target | {"instance": "old"}): whole,
        named("up", target | {"instance": "down"}): [1.0] * half + [0.0] * 12 + [1.0] * 13,
        named("up", target | {"instance": "unseen"}): gap,
    }
    counters: dict[str, Values] = {
        named(metric, labels): [None] * half + [1.0] * 25,
        named(metric, {**labels, "instance": "zero"}): [None] * half + [0.0] * 25,
        named(metric, {**labels, "instance": "old"}): [7.0] * 40,
        named(metric, {**labels, "instance": "down"}): [7.0] * half + [STALE] + [None] * 11 + [7.0] * 13,
        named(metric, {**labels, "instance": "unseen"}): [7.0] * half + [None] * 12 + [7.0] * 13,
    }
    ends, one = half + 10, (Fires(labels, 1.0),)
    fires = [Check(FIRES, at * TICK_S, one) for at in (half, half + 5, ends - 1)]
    silent_at = [Check(BELOW, at * TICK_S) for at in (0, 1, 5, half - 1, ends, 27, 28, 32, 39)]
    return Story(alert, "is born, or was there before", TICK_S, {**scrapes, **counters}, (*fires, *silent_at))


def counted(alert: str, metric: str, labels: Mapping[str, str]) -> list[Story]:
    """An alert on any gain of a counter within ten minutes."""
    counter = named(metric, labels)
    up = named("up", {name: labels[name] for name in ("job", "instance")})
    course = Course(10.0, first=1.0, good=15, lasts=10)
    return [
        *standard(alert, {counter: Counter(1.0, 0.0, 7.0)}, labels, course, beside={up: Gauge(1.0, 1.0)}),
        born(alert, metric, labels),
    ]


def silent(alert: str, name: str, kinds: Kinds, tick_s: int = TICK_S) -> Story:
    """Bad for as long as one likes, and none of this alert's business."""
    ticks = alerts()[alert].for_s // tick_s + (LONG if tick_s == TICK_S else 2)
    return Story(alert, name, tick_s, told(kinds, "b" * ticks), (Check(BELOW, (ticks - 1) * tick_s),))
