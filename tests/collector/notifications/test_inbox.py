"""What came is told once, in the words of the collector's own alarms, and not again when it comes again."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tocsin_alerts
from tests.collector.alarms.test_alarms import KEY, LOW, _feature, _quality, _window
from tests.collector.exposed import render
from tests.collector.notifications.conftest import alert, document, inbox_of
from tests.servers.process import until
from tocsin_collector.notifications.inbox import REPEAT_S, Inbox
from tocsin_collector.notifications.notification import Notification, Notified, notification
from tocsin_collector.notifications.wording import Words, together, written

DOWN = {"instance": "http://a:10300", "job": "tocsin-agent", "severity": "critical"}
SAID = {
    "summary": "agent http://a:10300 does not answer",
    "description": "The agent on http://a:10300 does not answer its scrapes: host down, unreachable, or agent dead.",
    "runbook_url": "http://tocsin.example/runbooks/HostDown",
}
MODEL = {"project": "demo", "model": "flights", "version": "2", "instance": "c:10301", "job": "tocsin-collector"}


def _take(inbox: Inbox, *alerts: Any, **more: Any) -> int:
    return inbox.take(notification(json.dumps(document(*alerts, **more)).encode()))


def _counts(inbox: Inbox) -> tuple[int, int]:
    return inbox.view().accepted, inbox.view().duplicate


# --- the same words ---------------------------------------------------------------------------------------------------


def test_an_alarm_of_a_host_reads_as_the_collectors_own(bench: Any, inbox: Inbox) -> None:
    """The embedded judge tells of a host; the same alert by way of Prometheus tells the same, but for its times."""
    bench.beat(LOW)
    bench.beat(seconds=600)
    bench.hook.wait(1)
    (own,) = bench.hook.posted
    labels = {"instance": bench.agent.address, "job": "tocsin-agent", "severity": "critical", "cluster": "eu"}
    fired = bench.alarms.firing()[0]
    # The rule's own texts, as Prometheus fills them in.
    said = {
        "summary": f"only 3 % of memory left on {bench.agent.address}",
        "description": own["message"].splitlines()[0].removeprefix("- "),
        "runbook_url": "http://tocsin.example/runbooks/HostMemoryLow",
    }
    assert _take(inbox, alert("HostMemoryLow", labels, fired.since_s, **said)) == 1
    bench.hook.wait(2)
    assert bench.hook.posted[1] == own
    assert "3 % of memory left" in own["title"]


def test_an_alarm_of_a_model_gives_the_reasons_that_the_collector_knows(bench: Any, inbox: Inbox) -> None:
    bench.alarms.verdict(KEY, _window(0, _feature("delay", 0.163), _feature("wind", 0.2, score=0.9)))
    bench.hook.wait(1)
    (own,) = bench.hook.posted
    now = bench.clock.now
    drift = alert("FeatureDrift", MODEL | {"feature": "wind", "method": "psi"}, now, description="…")
    missing = [alert("FeatureMissingValues", MODEL | {"feature": name}, now) for name in ("wind", "delay")]
    assert _take(inbox, drift, *missing) == 1
    bench.hook.wait(2)
    assert bench.hook.posted[1] == own
    assert "(and 2 more)" in own["title"]
    assert "Runbook FeatureDrift" in own["message"]


def test_the_end_of_a_models_alarm_reads_as_the_collectors_own(bench: Any, inbox: Inbox) -> None:
    bench.alarms.verdict(KEY, _window(0, _feature(missing=0.2)))
    began = bench.clock.now
    bench.clock.now += 3_700
    bench.alarms.verdict(KEY, _window(1, _feature()))
    bench.hook.wait(2)
    own = bench.hook.posted[1]
    assert _take(inbox, alert("FeatureMissingValues", MODEL | {"feature": "f"}, began, bench.clock.now)) == 1
    bench.hook.wait(3)
    assert bench.hook.posted[2] == own
    assert own["title"] == "[RESOLVED] Model flights 2 (demo): FeatureMissingValues over after 1 h 1 min"


def test_quality_reads_as_the_collectors_own(bench: Any, inbox: Inbox) -> None:
    bench.alarms.verdict(KEY, _window(0, quality=_quality("log loss 0.8 is above its bound 0.5")))
    bench.hook.wait(1)
    assert _take(inbox, alert("ModelQualityDrop", MODEL, bench.clock.now, summary="dropped")) == 1
    bench.hook.wait(2)
    assert bench.hook.posted[1] == bench.hook.posted[0]


def test_what_the_collector_does_not_know_is_told_in_the_rules_words(bench: Any, inbox: Inbox) -> None:
    labels = MODEL | {"model": "elsewhere", "version": "", "feature": "age"}
    _take(inbox, alert("FeatureDrift", labels, bench.clock.now, summary="short", description="age is far away."))
    assert bench.hook.wait(1) == ["[WARNING] Model elsewhere (demo): age is far away."]
    assert "- age is far away." in bench.hook.posted[0]["message"]


def test_an_end_that_the_collector_does_not_see_says_so(bench: Any, inbox: Inbox) -> None:
    """Prometheus loses sight of the collector: its alert ends, the model is as bad as before."""
    bench.alarms.verdict(KEY, _window(0, _feature(missing=0.2)))
    _take(inbox, alert("FeatureMissingValues", MODEL | {"feature": "f"}, bench.clock.now, bench.clock.now + 60))
    bench.hook.wait(2)
    assert "own judgement it still fires" in bench.hook.posted[1]["message"]


def test_a_foreign_alert_says_what_its_rule_says_and_no_more(bench: Any, inbox: Inbox) -> None:
    labels = {"instance": "db:9187", "job": "postgres", "severity": "page", "zone": "a"}
    said = {"summary": "replication is late", "description": "by 40 s", "runbook_url": "http://wiki/late"}
    _take(inbox, alert("PostgresLate", labels, 1_000_000.0, **said))
    (title,) = bench.hook.wait(1)
    assert title == "[CRITICAL] db:9187: replication is late"
    assert bench.hook.posted[0]["message"].splitlines() == [
        "- by 40 s",
        "",
        "Alert: PostgresLate",
        "Since: 1970-01-12 13:46:40 UTC",
        "Labels: instance=db:9187, job=postgres, zone=a",
        "Runbook: http://wiki/late",
        "Rule (Alertmanager): http://prometheus:9090/graph?g0.expr=up",
    ]
    _take(inbox, alert("PostgresLate", labels, 1_000_000.0, 1_000_060.0, **said))
    assert bench.hook.wait(2)[1] == "[RESOLVED] db:9187: PostgresLate over after 1 min"


def test_two_severities_of_a_foreign_alert_are_two(bench: Any, inbox: Inbox) -> None:
    mild, bad = ({"instance": "db", "severity": severity} for severity in ("warning", "critical"))
    assert _take(inbox, alert("Late", mild, 1_000_000.0, 1_000_060.0), alert("Late", bad, 1_000_050.0)) == 2
    assert sorted(title[:10] for title in bench.hook.wait(2)) == ["[CRITICAL]", "[RESOLVED]"]


def test_a_bare_alert_of_anybody_is_told_by_its_name(bench: Any, inbox: Inbox) -> None:
    _take(inbox, alert("DatasourceError", {}, 1_000_000.0), version="1")
    assert bench.hook.wait(1) == ["[WARNING] DatasourceError: DatasourceError"]


def test_alerts_that_were_left_out_are_counted(bench: Any, inbox: Inbox) -> None:
    _take(inbox, alert("HostDown", DOWN, 1_000_000.0, **SAID), truncatedAlerts=12)
    bench.hook.wait(1)
    assert "Left out by Alertmanager: 12 more alerts" in bench.hook.posted[0]["message"]


# --- once -------------------------------------------------------------------------------------------------------------


def test_the_same_notification_again_is_told_once_and_a_reminder_is_told(bench: Any, inbox: Inbox) -> None:
    down = alert("HostDown", DOWN, bench.clock.now, **SAID)
    assert _take(inbox, down) == 1
    for _ in range(3):
        bench.clock.now += 60
        assert _take(inbox, down) == 0
    assert _counts(inbox) == (1, 3)
    bench.clock.now += REPEAT_S
    assert _take(inbox, down) == 1
    over = alert("HostDown", DOWN, bench.clock.now - 100, bench.clock.now, **SAID)
    assert _take(inbox, over) == 1
    bench.clock.now += 2 * REPEAT_S
    assert _take(inbox, over) == 0, "an end has no reminder"
    assert [title[:10] for title in bench.hook.wait(3)] == ["[CRITICAL]", "[CRITICAL]", "[RESOLVED]"]


def test_it_fires_again_after_its_end(bench: Any, inbox: Inbox) -> None:
    now = bench.clock.now
    for index in range(3):
        start = now + 10 * index
        assert _take(inbox, alert("HostDown", DOWN, start)) == 1
        assert _take(inbox, alert("HostDown", DOWN, start, start + 5)) == 1
    assert len(bench.hook.wait(6)) == 6


def test_a_restart_forgets_nothing_that_was_told(bench: Any, inbox: Inbox) -> None:
    down = alert("HostDown", DOWN, bench.clock.now)
    assert _take(inbox, down) == 1
    bench.restart()
    assert _take(inbox_of(bench), down) == 0


def test_what_waits_for_a_dead_target_survives_a_restart(bench: Any, inbox: Inbox) -> None:
    bench.hook.status = 500
    _take(inbox, alert("HostDown", DOWN, bench.clock.now, **SAID))
    until(lambda: bench.alarms.targets()[0].error, "it was tried and failed", 20)  # at the time before the clock moves
    bench.restart()
    bench.hook.status = 200
    bench.clock.now += 60
    bench.alarms.post([], [])
    bench.alarms._delivery.wake()
    assert bench.hook.wait(1) == [f"[CRITICAL] Host http://a:10300: {SAID['summary']}"]


def test_a_feature_that_joins_or_leaves_a_models_alarm_makes_no_message(bench: Any, inbox: Inbox) -> None:
    now = bench.clock.now
    first, second = (MODEL | {"feature": name} for name in ("a", "b"))
    assert _take(inbox, alert("FeatureDrift", first, now)) == 1
    assert _take(inbox, alert("FeatureDrift", first, now), alert("FeatureDrift", second, now + 60)) == 0
    assert _take(inbox, alert("FeatureDrift", first, now, now + 90), alert("FeatureDrift", second, now + 60)) == 0
    assert _take(inbox, alert("FeatureDrift", second, now + 60, now + 120)) == 1
    assert [title[:9] for title in bench.hook.wait(2)] == ["[WARNING]", "[RESOLVED"]


def test_another_judge_silences_the_collectors_own_messages_and_not_its_page(bench: Any) -> None:
    bench.alarms.judge = "prometheus"
    bench.beat(LOW)
    bench.beat(seconds=600)
    assert bench.firing() == ["HostMemoryLow"]
    assert (
        'tocsin_alerts_firing{alertname="HostMemoryLow",severity="critical"} 1'
        in render(bench.alarms.samples()).decode()
    )
    _take(inbox_of(bench), alert("HostDown", DOWN, bench.clock.now, **SAID))
    assert bench.hook.wait(1) == [f"[CRITICAL] Host http://a:10300: {SAID['summary']}"]


def test_what_came_is_counted(inbox: Inbox) -> None:
    inbox.refused("no JSON")
    _take(inbox, alert("A", {}, 1_000_000.0))
    _take(inbox, alert("A", {}, 1_000_000.0))
    text = render(inbox.samples()).decode()
    for outcome in ("accepted", "duplicate", "refused"):
        assert f'tocsin_notifications_received_total{{outcome="{outcome}"}} 1\n' in text
    assert inbox.view().last_refusal == "no JSON"


# --- anything ---------------------------------------------------------------------------------------------------------

_NAMES = st.sampled_from(["HostDown", "FeatureDrift", "ModelQualityDrop", "ServingErrorRatioHigh", "HostDiskWillFill"])
_TEXTS = st.dictionaries(
    st.sampled_from(["summary", "description", "runbook_url", "project", "model", "instance", "feature", "severity"]),
    st.text(max_size=30),
)
_NOTIFIED = st.builds(
    lambda name, firing, labels, said, start, length: Notified(
        name, firing, labels | {"alertname": name}, said, start, None if firing else start + length
    ),
    _NAMES | st.text(min_size=1, max_size=9), st.booleans(), _TEXTS, _TEXTS,
    st.floats(0, 4e9), st.floats(-1e6, 1e6),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(_NOTIFIED, min_size=1, max_size=6))
def test_any_alerts_are_told_once(bench: Any, alerts: list[Notified]) -> None:
    inbox = inbox_of(bench)
    found = Notification("Alertmanager", tuple(alerts))
    inbox.take(found)
    assert inbox.take(found) == 0


@given(st.lists(_NOTIFIED, min_size=1, max_size=6))
def test_every_alert_is_in_some_message(alerts: list[Notified]) -> None:
    words = Words(tocsin_alerts.alerts(), lambda *_: None, "http://tocsin.example")
    told = together(alerts, words.alerts)
    made = written(told, words, 1e9, "Alertmanager")
    assert sum(len(each.alerts) for each in told) == len(alerts)
    assert 1 <= len(made) <= len(told)
    assert {message.kind for message in made} <= {"resolved", "info", "warning", "critical"}
