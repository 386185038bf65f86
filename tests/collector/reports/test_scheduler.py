"""Reports make themselves when their time has come: once each, one at a time, also those missed; failures are told."""

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.servers.process import free_port, serving, until
from tocsin_collector.monitor.reference_file import ReferenceFileError
from tocsin_collector.reports.evidently import ReportError
from tocsin_collector.reports.kept import EMPTY, FAILED, MADE, KeptReports
from tocsin_collector.reports.making import NoReferenceError
from tocsin_collector.reports.schedule import plan
from tocsin_collector.reports.scheduler import Scheduler
from tocsin_collector.verdict import ModelKey

DAY_S = 86_400.0
KEY = ModelKey("shop", "credit", "3")
OTHER = ModelKey("shop", "fraud", "")


class Maker:
    """Makes at once, or fails as it is told, or waits until it may go on."""

    def __init__(self, fault=None):
        self.fault, self.made, self.running, self.most = fault, [], 0, 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.ended = False

    def stopping(self):
        return self.ended

    def ours(self, key, span, reference):
        self.running += 1
        self.most = max(self.most, self.running)
        assert self.go_on.wait(30)
        self.made.append((key.model, span[0] // 86_400_000_000, reference))
        self.running -= 1
        if self.fault:
            raise self.fault
        return {"html": b"<p>", "json": b"{}"}

    evidentlys = ours


@pytest.fixture
def world(tmp_path):
    """A scheduler over a folder, the same folder again as after a restart, and a clock."""
    opened = []

    def begin(maker, *lines):
        kept = KeptReports(str(tmp_path), 10, 1e9)
        found = Scheduler([plan(line) for line in lines], maker, kept, 0.0, lambda: 7.0)
        opened.append(found)
        return found, kept

    yield begin
    for scheduler in opened:
        scheduler.close()


def _counts(scheduler):
    return {s.labels["outcome"]: s.value for s in scheduler.samples() if s.name == "tocsin_reports_total"}


def _settle(scheduler, day, *keys):
    """Tick until nothing is due at a time."""
    models = [(key, 0.0, day * DAY_S) for key in keys or (KEY,)]

    def idle():
        scheduler.tick(models)
        return scheduler._making is None or (scheduler._making.done() and next(scheduler._due(models), None) is None)

    until(idle, "no report is due")
    if scheduler._making:
        scheduler._making.result(30)


def test_a_report_is_made_once_for_each_day_and_after_a_start_those_missed_are_made_up_for(world):
    maker = Maker()
    first, kept = world(maker, "shop credit every=day")
    for day in (100, 100.5, 101, 101):
        _settle(first, day)
    assert maker.made == [("credit", 99, ""), ("credit", 100, "")]
    again, _ = world(maker, "shop credit every=day")
    _settle(again, 104)
    _settle(again, 104.5)
    assert [day for _, day, _ in maker.made] == [99, 100, 101, 102, 103]
    assert [one.outcome for one in kept.listed(KEY)] == [MADE] * 5
    assert _counts(again) == {MADE: 3, EMPTY: 0, FAILED: 0}


def test_never_two_at_a_time(world):
    maker = Maker()
    scheduler, _ = world(maker, "* * every=day", "* * every=week", "* * every=day reference=training")
    maker.go_on.clear()
    models = [(KEY, 0.0, 100 * DAY_S), (OTHER, 0.0, 100 * DAY_S)]
    for _ in range(5):
        scheduler.tick(models)
    maker.go_on.set()
    _settle(scheduler, 100, KEY, OTHER)
    assert (len(maker.made), maker.most) == (6, 1)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (ReferenceFileError("no prediction lies in that span"), EMPTY),
        (ReportError("Evidently took longer than 300 s"), FAILED),
        (NoReferenceError("shop/credit has no reference"), FAILED),
    ],
)
def test_what_was_not_made_says_why_and_is_tried_once(world, fault, outcome):
    maker = Maker(fault)
    scheduler, kept = world(maker, "shop credit every=day by=evidently")
    _settle(scheduler, 100)
    _settle(scheduler, 100.2)
    (entry,) = kept.listed(KEY)
    assert (entry.outcome, entry.reason, len(maker.made)) == (outcome, str(fault), 1)
    assert _counts(scheduler)[outcome] == 1


def test_a_fault_of_ours_is_counted_and_the_next_day_is_tried(world):
    maker = Maker(KeyError("x"))
    scheduler, kept = world(maker, "shop credit every=day")
    _settle(scheduler, 100)
    maker.fault = None
    _settle(scheduler, 101)
    assert _counts(scheduler) == {MADE: 1, EMPTY: 0, FAILED: 1}
    assert [one.outcome for one in kept.listed(KEY)] == [MADE]


def test_one_that_a_stop_ended_is_due_again(world):
    maker = Maker(ReportError("it was ended: the collector stops"))
    scheduler, kept = world(maker, "shop credit every=day")
    maker.ended = True
    _settle(scheduler, 100)
    assert kept.listed(KEY) == []
    maker.fault, maker.ended = None, False
    again, _ = world(maker, "shop credit every=day")
    _settle(again, 100)
    assert [one.outcome for one in kept.listed(KEY)] == [MADE]


def test_models_that_are_not_meant_or_have_no_time_have_none(world):
    maker = Maker()
    scheduler, _ = world(maker, "shop credit every=day")
    scheduler.tick([(OTHER, 0.0, 100 * DAY_S), (KEY, None, None)])
    assert maker.made == []


def test_days_before_the_first_event_have_no_report(world):
    maker = Maker()
    scheduler, _ = world(maker, "shop credit every=day")
    scheduler.tick([(KEY, 99.5 * DAY_S, 99.9 * DAY_S)])
    assert scheduler._making is None
    scheduler.tick([(KEY, 99.5 * DAY_S, 100.1 * DAY_S)])
    scheduler._making.result(30)
    assert maker.made == [("credit", 99, "")]


# --- the real process ---------------------------------------------------------------------------------------------


def _events(first, rows=300):
    return [
        {"type": "prediction", "model": "credit", "project": "shop", "version": "3", "id": f"{first:%j}-{row}"}
        | {"time": (first + timedelta(minutes=4 * row)).isoformat(), "prediction": "yes", "features": {"age": row % 50}}
        for row in range(rows)
    ]


def _csv(first):
    rows = [f"{(first - timedelta(hours=row)).isoformat()},{row % 50}\n" for row in range(600)]
    return "time,feature.age\n" + "".join(reversed(rows))


@pytest.mark.system
@pytest.mark.timeout(300)
def test_a_real_collector_makes_yesterdays_report_shows_it_and_ends_a_child_that_hangs(tmp_path):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    hangs = tmp_path / "python"
    hangs.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    hangs.chmod(0o755)
    config = tmp_path / "collector.toml"
    config.write_text(f"""
data_dir = "{tmp_path}/data"
[reports]
python = "{hangs}"
schedule = ["shop credit every=day", "shop credit every=day by=evidently"]
""")
    port = free_port()
    command = [os.path.join(os.path.dirname(os.sys.executable), "tocsin"), "collector", "--config", str(config)]
    url = f"http://127.0.0.1:{port}"
    with (
        serving(
            [*command, "--listen", f"127.0.0.1:{port}"], url, ready="/-/healthy", log=str(tmp_path / "log")
        ) as server,
        httpx.Client(base_url=url, timeout=60) as ask,
    ):
        reference = ask.put("/v1/references/shop/credit?version=3", content=_csv(today - timedelta(days=3)))
        assert reference.status_code == 200
        yesterday = _events(today - timedelta(days=1))
        assert ask.post("/v1/events", json=yesterday).json()["accepted"] == 300
        now = yesterday[-1] | {"id": "now", "time": datetime.now(UTC).isoformat()}
        # The model's time has come to today. Among the others it would be one wrong clock, from late in the evening on.
        assert ask.post("/v1/events", json=now).json()["accepted"] == 1
        at = "/v1/reports/shop/credit/kept"
        known = until(lambda: ask.get(at, params={"version": "3"}).json()["reports"], "a report was made", 120)
        assert (known[0]["outcome"], known[0]["by"], known[0]["start_s"]) == (
            MADE,
            "tocsin",
            (today - timedelta(days=1)).timestamp(),
        )
        one = f"{at}/{known[0]['name']}?version=3"
        assert "shop / credit 3</h1>" in ask.get(one).text
        assert "default-src 'none'" in ask.get(one).headers["content-security-policy"]
        assert ask.get(f"{one}&format=json").json()["rows"] == 300
        assert ask.get(f"{at}/..%252F..%252Fkeys?version=3").status_code == 404
        assert one.split("?", maxsplit=1)[0] in ask.get("/models/shop/credit/3").text
        assert 'tocsin_reports_total{outcome="made"} 1' in ask.get("/metrics").text
        child = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the child runs", 60))
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 15
        with pytest.raises(ProcessLookupError):
            os.kill(child, signal.SIG_DFL)
        server.start()
        again = until(lambda: ask.get(at, params={"version": "3"}).json()["reports"], "it knows its reports", 60)
        assert [each["by"] for each in again] == ["tocsin"]
