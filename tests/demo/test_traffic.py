"""The traffic: every flight once, every label once, by the clock, and at an end when told."""

import itertools
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import date

import numpy as np
import pytest

from tocsin_demo import data, traffic, webhook
from tocsin_demo.data import DAY_S, Flights

DAY = date(2013, 12, 5)


@pytest.fixture
def replaying(home):
    """Start the traffic of one event day, as fast as it may."""
    started = []

    def start(server: str, endpoint: str, *more: str) -> "subprocess.Popen[str]":
        command = [
            sys.executable,
            "-m",
            "tocsin_demo.traffic",
            "--server",
            server,
            "--start",
            str(DAY),
            "--end",
            str(DAY),
        ]
        environ = home.environ | {"TOCSIN_ENDPOINT": endpoint}
        process = subprocess.Popen([*command, *more], env=environ, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.system
def test_a_day_arrives_exactly_once_with_its_labels_and_outcomes(serve, sink, replaying, flights: Flights) -> None:
    served = serve(sink.address)
    process = replaying(served.address, sink.address, "--days-per-second", "5")
    told = process.communicate(timeout=30)[1]
    assert process.returncode == 0, told
    assert "tocsin_demo_traffic_ended" in told
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(10) == 0

    day = flights.between(DAY, DAY)
    landed = day.take(day.arrived)
    asked = {row["id"]: row for row in sink.rows["prediction"]}
    assert sorted(row["id"] for row in sink.rows["prediction"]) == sorted(day.ids())
    assert sum(row["feature.dep_delay_min"] is None for row in asked.values()) == np.isnan(day.dep_delay_min).sum()
    labels = [(row["id"], row["label"], row["time"]) for row in sink.rows["label"]]
    expected = zip(landed.ids(), np.where(landed.late, "late", "on_time"), landed.arrival_s * 1_000_000, strict=True)
    assert sorted(labels) == sorted(expected)
    assert all(row["time"] > asked[row["id"]]["time"] for row in sink.rows["label"])
    outcomes = {row["id"]: (row["name"], row["value"]) for row in sink.rows["outcome"]}
    delays = zip(landed.ids(), landed.arr_delay_min.tolist(), strict=True)
    assert outcomes == {name: ("arrival_delay_minutes", delay) for name, delay in delays}
    assert len(sink.rows["outcome"]) == len(outcomes)
    assert len(set(sink.blocks)) == len(sink.blocks)


@pytest.mark.system
def test_it_waits_for_a_server_that_is_not_there_and_ends_when_told(serve, replaying) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
    process = replaying(f"http://{listen}", "", "--days-per-second", "0.5")
    lines = iter(process.stderr.readline, "")
    assert next(line for line in lines if "tocsin_demo_traffic_server_not_there" in line)
    served = serve(listen=listen)
    limit = time.monotonic() + 20
    while " INFO predicted " not in served.log.read_text():
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0


@pytest.mark.system
@pytest.mark.parametrize("other", ["ftp://127.0.0.1", "webhook"])
def test_what_is_no_model_server_ends_it_with_the_reason(other: str, replaying) -> None:
    with webhook.sink("127.0.0.1:0", print) as refusing:
        threading.Thread(target=refusing.serve_forever, kwargs={"poll_interval": 0.01}).start()
        process = replaying(refusing.address if other == "webhook" else other, "")
        told = process.communicate(timeout=30)[1]
        refusing.shutdown()
    assert process.returncode == 1
    assert ("status 400" if other == "webhook" else "http://host:port is needed") in told


@pytest.mark.parametrize(
    "wrong",
    [["--days-per-second", "0"], ["--days-per-second", "nan"], ["--start", "2013-12-06", "--end", "2013-12-05"]],
)
def test_a_wrong_option_is_told(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        traffic.main(wrong)
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_the_clock_keeps_its_pace_whatever_happens_between_two_looks() -> None:
    ticks = iter([100.0, 100.0, 101.0, 150.0])
    clock = traffic.Clock(1_000.0, 0.5, lambda: next(ticks))
    assert [clock.now_s() - 1_000 for _ in range(3)] == [0, 0.5 * DAY_S, 25 * DAY_S]


def test_a_stall_is_made_up_for_in_full_requests(flights: Flights) -> None:
    day = flights.between(DAY, DAY)
    sizes, told = [], []

    class Asked:
        def predict(self, some: Flights) -> None:
            sizes.append(len(some))

    class Told:
        def label(self, *what: object) -> None:
            told.append(what)

        def outcome(self, *what: object) -> None:
            told.append(what)

    times = itertools.chain([0.0], itertools.repeat(2.0))
    traffic.replay(day, Asked(), Told(), traffic.Clock(data.midnight_s(DAY), 1.0, lambda: next(times)))
    assert sum(sizes) == len(day)
    assert set(sizes[:-1]) == {traffic.MAX_FLIGHTS}
    assert len(told) == 2 * day.arrived.sum()
