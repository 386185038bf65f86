"""Logs on their way into Elasticsearch."""

from tests.alerts.promtool import BEFORE, FIRES, RESOLVES, Check, Fires, Story
from tests.alerts.stories.telling import COLLECTOR, TICK_S, Counter, Course, Gauge, counted, named, standard, told

_DOCUMENTS = "tocsin_elasticsearch_documents_total"
_FAILING = "LogStoreFailing"


def stories() -> list[Story]:
    """Those of each alert."""
    up = named("up", COLLECTOR)
    lost = {_documents(outcome): Counter(1.0, 0.0) for outcome in ("dead_letter_file", "dropped")}
    well = {_documents(outcome): Counter(1.0, 1.0) for outcome in ("stored", "duplicate", "retried", "repaired")}
    every = Story(
        "LogRecordsRejected", "each outcome", TICK_S, told({up: Gauge(1.0, 1.0), **lost, **well}, "g" * 15 + "b"),
        (Check(FIRES, 15 * TICK_S, tuple(Fires({"outcome": outcome, **COLLECTOR}, 1.0)
                                         for outcome in ("dead_letter_file", "dropped"))),),
    )  # fmt: skip
    return [
        *_failing(),
        *counted("LogRecordsRejected", _DOCUMENTS, {"outcome": "dead_letter", **COLLECTOR}),
        every,
    ]


def _failing() -> list[Story]:
    again, stored = _documents("retried"), _documents("stored")
    fires = Fires(COLLECTOR, 0.51)
    others = {
        named(_DOCUMENTS, COLLECTOR | {"outcome": "stored"} | other): Counter(1e4, 1e4)
        for other in ({"instance": "d:10301"}, {"job": "another"})
    }
    common = standard(_FAILING, {again: Counter(51.0, 50.0), stored: Counter(49.0, 50.0)}, COLLECTOR,
                      Course(0.51, good=0, holds_after=1, lasts=5))  # fmt: skip
    kinds = {again: Counter(51.0, 0.0), stored: Counter(49.0, 100.0)}
    end = Story(_FAILING, "fires, and ends", TICK_S, told(kinds, "b" * 20 + "g" * 2),
                (Check(BEFORE, 330), Check(FIRES, 360, (fires,)), Check(FIRES, 19 * TICK_S, (fires,)),
                 Check(RESOLVES, 21 * TICK_S)))  # fmt: skip
    busy = Story(_FAILING, "other collectors are well", TICK_S, told({**kinds, **others}, "b" * 20),
                 (Check(FIRES, 15 * TICK_S, (fires,)),))  # fmt: skip
    return [story for story in common if story.name not in ("fires, and ends", f"without {stored}")] + [end, busy]


def _documents(outcome: str) -> str:
    return named(_DOCUMENTS, {"outcome": outcome, **COLLECTOR})
