"""Alarms from the first bad value to the message in a person's hand, over restarts and dead targets."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import tocsin_alerts
from tests.collector.exposed import render
from tests.servers.process import until
from tocsin_alerts.alert import Comparison, Term
from tocsin_collector.alarms.comparison import holding
from tocsin_collector.alarms.delivery import Targets, send
from tocsin_collector.alarms.store import KEEP_HISTORY
from tocsin_collector.alarms.text import Message
from tocsin_collector.verdict import (
    Apart,
    Beside,
    Distribution,
    FeatureVerdict,
    ModelKey,
    QualityVerdict,
    SchemaChange,
    WindowVerdict,
)

DAY = 86_400
KEY = ModelKey("demo", "flights", "2")
LOW = "node_memory_MemTotal_bytes 100\nnode_memory_MemAvailable_bytes 3\n"
FINE = "node_memory_MemTotal_bytes 100\nnode_memory_MemAvailable_bytes 50\n"


def _feature(name: str = "f", missing: float = 0.0, score: float | None = 0.0) -> FeatureVerdict:
    reasons = [f"{name}: {missing:.1%} of values are missing"] if missing > 0.1 else []
    reasons += [f"{name}: distance {score} is beyond its bound"] if score is not None and score > 0.5 else []
    shape = Distribution((), (), ())
    return FeatureVerdict(name, "number", "psi", 900, score, 0.5, missing, 0.01, 0.1, 0.0, 0.0, shape, tuple(reasons))


def _quality(*reasons: str, judged: bool = True) -> QualityVerdict:
    return QualityVerdict(800, 0.9, {"auc": 0.6}, {}, {}, {"auc": 0.65} if judged else {}, reasons)


def _window(day: int, *features: FeatureVerdict, quality: QualityVerdict | None = None) -> WindowVerdict:
    start = 1_386_201_600.0 + day * DAY
    return WindowVerdict(KEY, start, start + DAY, 1, 900, {one.name: one for one in features}, quality)


# --- comparisons ------------------------------------------------------------------------------------------------------


def test_a_comparison_fires_after_its_time_is_told_once_and_ends(bench: Any) -> None:
    bench.beat(LOW)
    assert bench.firing() == []
    assert [alarm.alert for alarm in bench.alarms.pending()] == ["HostMemoryLow"]
    bench.beat(seconds=595)
    bench.beat()
    bench.beat()
    assert bench.firing() == ["HostMemoryLow"]
    assert bench.hook.wait(1) == [
        f"[CRITICAL] Host {bench.agent.address}: only 3 % of memory left on {bench.agent.address}"
    ]
    bench.beat(FINE)
    assert bench.firing() == []
    assert bench.hook.wait(2)[1:] == [f"[RESOLVED] Host {bench.agent.address}: HostMemoryLow over after 10 s"]
    assert [alarm.alert for alarm in bench.alarms.history()] == ["HostMemoryLow"]
    message = bench.hook.posted[0]["message"]
    assert "Runbook HostMemoryLow: http://tocsin.example/runbooks/HostMemoryLow" in message


def test_an_agent_that_is_gone_is_told_and_its_other_alarms_wait(bench: Any) -> None:
    bench.beat(LOW)
    bench.beat(seconds=600)
    bench.agent.close()
    bench.beat()
    bench.beat(seconds=60)
    assert bench.firing() == ["HostDown", "HostMemoryLow"]


def test_a_series_that_ends_on_a_living_agent_ends_its_alarm(bench: Any) -> None:
    bench.beat(LOW)
    bench.beat(seconds=600)
    bench.beat("a 1\n")
    assert bench.firing() == []


_ROOT = '{device="d",fstype="ext4",mountpoint="/"}'


@pytest.mark.parametrize(
    ("series", "alert"),
    [
        ('tocsin_gpu_up{gpu="0",uuid="u"} 0', "GpuLost"),
        (f"node_filesystem_size_bytes{_ROOT} 100\nnode_filesystem_avail_bytes{_ROOT} 1", "HostDiskSpaceLow"),
    ],
)
def test_value_comparisons_fire(bench: Any, series: str, alert: str) -> None:
    bench.beat(series + "\n")
    bench.beat(seconds=1000)
    assert bench.firing() == [alert]


def test_a_full_memory_filesystem_wakes_nobody(bench: Any) -> None:
    labels = '{device="d",fstype="tmpfs",mountpoint="/run"}'
    bench.beat(f"node_filesystem_size_bytes{labels} 100\nnode_filesystem_avail_bytes{labels} 1\n")
    bench.beat(seconds=1000)
    assert bench.firing() == []


def test_the_first_xid_is_seen_and_one_of_an_application_is_not(bench: Any) -> None:
    bench.beat("a 1\n")
    bench.beat('tocsin_gpu_xid_errors_total{gpu="0",uuid="u",xid="13"} 1\n')
    assert bench.firing() == []
    bench.beat('tocsin_gpu_xid_errors_total{gpu="0",uuid="u",xid="79"} 1\n')
    assert bench.firing() == ["GpuXid"]
    assert "XID 79" in bench.hook.wait(1)[0]
    bench.beat(seconds=700)
    assert bench.firing() == [], "no new one in ten minutes"


def test_errors_are_judged_as_a_share_and_with_enough_traffic(bench: Any) -> None:
    def said(ok: int, failed: int) -> str:
        key = 'project="demo",model="m",version=""'
        return (
            f'tocsin_inference_requests_total{{{key},outcome="ok"}} {ok}\n'
            f'tocsin_inference_requests_total{{{key},outcome="server_error"}} {failed}\n'
        )

    bench.beat(said(1000, 0))
    for index in range(1, 40):
        bench.beat(said(1000 + 90 * index, 10 * index))
    assert bench.firing() == ["ServingErrorRatioHigh"]
    assert bench.hook.wait(1) == ["[CRITICAL] Model m (demo): 10 % of the requests to m fail"]


def test_little_traffic_is_not_judged(bench: Any) -> None:
    for index in range(40):
        bench.beat(f'tocsin_inference_requests_total{{project="d",model="m",outcome="server_error"}} {index // 30}\n')
    assert bench.firing() == []


def test_a_ratio_without_its_divisor_is_no_value(bench: Any) -> None:
    bench.beat("a 1\nb 0\n")
    for over in ("b", "c"):
        assert holding(Comparison(Term("a"), ">", 0, over=Term(over)), bench.fleet) == {}


# --- windows ----------------------------------------------------------------------------------------------------------


def test_one_window_is_one_message_with_the_data_first(bench: Any) -> None:
    bench.alarms.verdict(
        KEY, _window(0, _feature("a", missing=0.2), _feature("b", score=2.0), quality=_quality("auc is low"))
    )
    assert bench.firing() == ["ModelQualityDrop", "FeatureDrift", "FeatureMissingValues"]
    assert bench.hook.wait(1) == ["[CRITICAL] Model flights 2 (demo): a: 20.0% of values are missing (and 2 more)"]
    text = bench.hook.posted[0]["message"]
    assert text.splitlines()[:3] == [
        "- a: 20.0% of values are missing", "- b: distance 2.0 is beyond its bound", "- auc is low"
    ]  # fmt: skip
    assert "Window: 2013-12-05 (event time)" in text
    assert "Page: http://tocsin.example/models/demo/flights/2?end=1386288000" in text


def test_data_first_then_quality_when_its_labels_come(bench: Any) -> None:
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2), quality=_quality("auc is low")))
    assert bench.hook.wait(2) == [
        "[WARNING] Model flights 2 (demo): a: 20.0% of values are missing",
        "[CRITICAL] Model flights 2 (demo): auc is low",
    ]


def test_it_ends_with_the_first_good_window_and_is_told_once(bench: Any) -> None:
    for day, missing in enumerate((0.2, 0.3, 0.0, 0.0)):
        bench.alarms.verdict(KEY, _window(day, _feature("a", missing=missing)))
    assert bench.hook.wait(2)[1:] == ["[RESOLVED] Model flights 2 (demo): FeatureMissingValues over after 0 s"]
    assert bench.firing() == []


def test_the_same_window_again_and_older_windows_change_nothing(bench: Any) -> None:
    bench.alarms.verdict(KEY, _window(5, _feature("a", missing=0.2)))
    bench.alarms.verdict(KEY, _window(5, _feature("a", missing=0.2)))
    bench.alarms.verdict(KEY, _window(4, _feature("a")))
    assert bench.firing() == ["FeatureMissingValues"]
    bench.alarms.verdict(KEY, _window(5, _feature("a")))
    assert bench.firing() == [], "a revision of the newest window counts"
    assert len(bench.hook.wait(2)) == 2


def test_a_window_that_cannot_tell_neither_begins_nor_ends_an_alarm(bench: Any) -> None:
    bench.alarms.verdict(KEY, _window(0, _feature("a", score=2.0), quality=_quality("auc is low")))
    bench.alarms.verdict(KEY, _window(1, _feature("a", score=None)))
    bench.alarms.verdict(KEY, _window(2, _feature("a", score=None), quality=_quality(judged=False)))
    assert bench.firing() == ["ModelQualityDrop", "FeatureDrift"]


def test_quality_follows_the_newest_labelled_window_though_newer_ones_have_closed(bench: Any) -> None:
    bench.alarms.verdict(KEY, _window(3, _feature("a")))
    bench.alarms.verdict(KEY, _window(1, _feature("a", missing=0.5), quality=_quality("auc is low")))
    assert bench.firing() == ["ModelQualityDrop"], "the data of an older window is the past, its labels are news"


# --- restarts and deliveries ------------------------------------------------------------------------------------------


def test_a_restart_tells_nothing_twice_and_forgets_nothing(bench: Any) -> None:
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    bench.beat(LOW)
    bench.hook.wait(1)
    bench.restart()
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    bench.beat(seconds=600)
    assert bench.firing() == ["HostMemoryLow", "FeatureMissingValues"], "the wait of ten minutes went on"
    bench.restart()
    bench.alarms.verdict(KEY, _window(1, _feature("a")))
    bench.beat(FINE)
    assert len(bench.hook.wait(4)) == 4
    assert sum(title.startswith("[RESOLVED]") for title in bench.hook.titles()) == 2
    assert len(bench.alarms.history()) == 2


def test_a_message_that_could_not_be_delivered_is_delivered_after_a_restart(bench: Any) -> None:
    bench.hook.status = 500
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    _until(
        lambda: sum(sample.value for sample in bench.alarms.samples() if sample.labels == {"outcome": "retried"}) >= 1
    )
    bench.hook.status = 200
    bench.clock.now += 3600
    bench.restart()
    assert len(bench.hook.wait(1)) == 1
    _until(lambda: bench.alarms.targets()[0].waiting == 0)
    assert bench.alarms.targets()[0].delivered == 1


def test_messages_that_wait_are_kept_when_many_others_come(bench: Any) -> None:
    bench.hook.status = 500
    first, other = (Message("info", f"Host {name}", "it is so", ("why",)) for name in "ab")
    bench.alarms.post([first], [])
    until(lambda: bench.alarms.targets()[0].error, "the first attempt has failed")
    bench.alarms.post([other] * (KEEP_HISTORY + 50), [])
    bench.alarms.post([], ["mark"])
    assert bench.alarms.targets()[0].waiting == KEEP_HISTORY + 51
    bench.hook.status = 200
    bench.clock.now += 60
    bench.alarms._delivery.wake()
    assert bench.hook.wait(1)[0] == "[INFO] Host a: it is so"


def test_a_target_that_fails_holds_up_no_other_and_no_message_comes_twice(
    bench: Any, http_server: Callable[[], Any]
) -> None:
    other = http_server()
    with bench.targets.open("a") as file:
        file.write(f"json://127.0.0.1:{other.port}/x\nnonsense://user:secret@host\n")
    bench.hook.status = 500
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    assert len(other.wait(1)) == 1
    _until(lambda: all(view.error for view in bench.alarms.targets() if view.delivered == 0))
    bench.hook.status = 200
    bench.clock.now += 3600
    bench.alarms.verdict(KEY, _window(1, _feature("a")))
    assert len(bench.hook.wait(2)) == 2
    assert bench.hook.titles()[0].startswith("[WARNING]"), "in their order"
    assert len(other.wait(2)) == 2


def test_secrets_of_targets_are_never_shown_or_stored(bench: Any, caplog: pytest.LogCaptureFixture) -> None:
    bench.targets.write_text("json://user:hunter2@127.0.0.1:1/s3cret-token\n")
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    _until(lambda: bench.alarms.targets()[0].error)
    shown = repr(bench.alarms.targets()) + caplog.text + render(bench.alarms.samples()).decode()
    stored = b"".join(path.read_bytes() for path in bench.folder.glob("alarms.sqlite*"))
    for secret in ("hunter2", "s3cret-token"):
        assert secret not in shown
        assert secret.encode() not in stored
    assert bench.alarms.targets()[0].shown == "json://… (line 1)"


def test_a_targets_file_that_is_missing_is_said_and_alarms_still_show(bench: Any) -> None:
    bench.targets.unlink()
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    assert bench.firing() == ["FeatureMissingValues"]
    assert "cannot be read" in bench.alarms.targets_fault


def test_targets_are_read_again_when_they_change(tmp_path: Any) -> None:
    file = tmp_path / "t"
    file.write_text("# comment\n\njson://a\njson://a\n")
    targets = Targets(str(file))
    assert [target.shown for target in targets.read()] == ["json://… (line 3)"]
    file.write_text("mailto://x\n")
    assert [target.shown for target in targets.read()] == ["mailto://… (line 1)"]
    assert Targets("").read() == []


def test_what_is_no_target_is_said_without_its_text() -> None:
    assert (
        send("nonsense://secret", "info", "t", "b") == "not an Apprise URL, or a kind that this Apprise does not know"
    )


def test_its_metrics_are_in_the_catalogue_and_silent_alerts_stand_at_zero(bench: Any) -> None:
    bench.alarms.verdict(KEY, _window(0, _feature("a", missing=0.2)))
    text = render(bench.alarms.samples()).decode()
    assert 'tocsin_alerts_firing{alertname="FeatureMissingValues",severity="warning"} 1' in text
    assert 'tocsin_alerts_firing{alertname="HostDown",severity="critical"} 0' in text
    judged = [alert for alert in tocsin_alerts.alerts().values() if not alert.needs_prometheus]
    assert text.count("tocsin_alerts_firing{") == len(judged)


def test_hostile_names_reach_nobody_as_markup_or_as_lines(bench: Any) -> None:
    key = ModelKey("p\r\nBcc: x@y", "<script>alert(1)</script>\u202e", "")
    bench.alarms.verdict(key, _window(0, _feature("a\nb", missing=0.2)))
    title = bench.hook.wait(1)[0]
    assert "\n" not in title
    assert "\u202e" not in title


def _until(condition: Callable[[], Any]) -> None:
    import time

    limit = time.monotonic() + 10
    while not condition() and time.monotonic() < limit:
        time.sleep(0.01)
    assert condition()


def test_a_message_tells_what_the_drift_is_known_from_and_what_was_deployed_then(bench: Any) -> None:
    week = Beside("last-week", 900, 1, 1, {"f": Apart("ks", 0.02, 0.1)})
    training = Beside("training", 9_000, 30, 0, {"f": Apart("ks", 0.6, 0.1)})
    window = replace(_window(3, _feature(score=0.9)), beside=(training, week))
    changes = [
        SchemaChange(at_s, "deployed", "", text)
        for at_s, text in ((window.start_s + 60, "version 2 deployed: build\n812"), (window.start_s - 9 * DAY, "old"))
    ]
    bench.alarms.verdict(KEY, window, changes)
    bench.hook.wait(1)
    message = bench.hook.posted[0]["message"]
    assert "Beside: f unlike training\n" in message
    assert "Beside: f as in last-week (it had drifted too)\n" in message
    assert "Beside: 2013-12-08 00:01:00 UTC: version 2 deployed: build 812\n" in message
    assert "old" not in message
