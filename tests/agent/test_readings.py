"""Series that are a file each."""

import os
import time
from pathlib import Path

import pytest

from tests.servers.process import until
from tocsin_agent.readings import KEPT, OLD_S, WAIT_S, Reading, Readings, exponent, fixed
from tocsin_schema.metric import COUNTER, GAUGE, Metric

LEFT = Metric("t_left", GAUGE, "", "Left.", emitter="agent", labels={"n": 9})
AGE = Metric("t_age_seconds", GAUGE, "seconds", "Age.", emitter="agent", labels={"device": 9})
RIGHT = Metric("t_right_total", COUNTER, "", "Right.", emitter="agent", labels={"n": 9})


@pytest.fixture
def folder(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "left").write_text(f"{ord(name)}\n")
        (tmp_path / name / "right").write_text(f"{ord(name) * 2}\n")
    return tmp_path


@pytest.fixture
def readings(folder):
    def find():
        return [
            Reading(metric, {"n": name}, f"{folder}/{name}/{file}")
            for name in sorted(os.listdir(folder))
            for metric, file in ((LEFT, "left"), (RIGHT, "right"))
        ]

    found = Readings(find, every_s=0)
    yield found
    found.close()


def values(found) -> dict[str, float]:
    return {name + dict(labels).get("n", ""): value for (name, labels), value in found.items()}


def test_families_stay_together_and_the_files_are_read_each_time(readings, series, folder):
    assert values(series(readings.text())) == {
        "t_lefta": 97, "t_leftb": 98, "t_right_totala": 194, "t_right_totalb": 196,
    }  # fmt: skip
    (folder / "a/left").write_text("5\n")
    assert values(series(readings.text()))["t_lefta"] == 5


def test_a_device_comes_and_goes(readings, series, folder):
    readings.text()
    (folder / "c").mkdir()
    (folder / "c/left").write_text("7")
    for file in ("left", "right"):
        (folder / "a" / file).unlink()
    (folder / "a").rmdir()
    assert values(series(readings.text())) == {"t_leftb": 98, "t_leftc": 7, "t_right_totalb": 196}


def test_a_file_that_says_nothing_sensible_has_no_series_and_the_others_have(readings, series, folder):
    readings.text()
    (folder / "a/left").write_text("N/A\n")
    assert set(values(series(readings.text()))) == {"t_leftb", "t_right_totala", "t_right_totalb"}


def test_no_file_can_be_read_is_an_error_and_no_file_is_none(folder):
    broken = Readings(lambda: [Reading(LEFT, {"n": "x"}, f"{folder}/none")])
    with pytest.raises(FileNotFoundError):
        broken.text()
    assert Readings(list).text() == b""


def test_what_is_not_there_is_looked_for_in_half_a_minute_only(folder):
    looks = []
    readings = Readings(lambda: looks.append(1) or [])
    for _ in range(100):
        assert readings.text() == b""
    assert len(looks) == 1


def test_no_more_descriptors_than_a_source_may_keep(tmp_path: Path):
    for number in range(KEPT + 50):
        (tmp_path / str(number)).write_text("1")
    readings = Readings(lambda: [Reading(LEFT, {"n": n}, f"{tmp_path}/{n}") for n in os.listdir(tmp_path)])
    before = len(os.listdir("/proc/self/fd"))
    assert readings.text().count(b"\n") == KEPT + 50 + 2
    assert len(os.listdir("/proc/self/fd")) - before == KEPT
    readings.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_values():
    assert exponent(b"e-6")(b"17\n") == b"17e-6"
    assert fixed(1)(b"whatever") == b"1"
    with pytest.raises(ValueError, match="x"):
        exponent(b"e-6")(b"x")


@pytest.fixture
def devices(folder, hang):
    """The same files, each folder a device that may hang; `a/left` does."""
    hang(folder / "a/left")

    def find():
        return [
            Reading(metric, {"n": name}, f"{folder}/{name}/{file}", device=name)
            for name in ("a", "b")
            for metric, file in ((LEFT, "left"), (RIGHT, "right"))
        ]

    found = Readings(find, AGE)
    yield found
    found.close()


def test_a_device_that_hangs_costs_one_wait_and_its_own_series_only(devices, series):
    began = time.monotonic()
    devices.text()
    assert time.monotonic() - began >= WAIT_S
    there = {"t_leftb": 98, "t_right_totalb": 196}
    until(lambda: there.items() <= values(series(devices.text())).items(), "the other answers")
    age = "t_age_seconds", frozenset({("device", "a")})
    until(lambda: series(devices.text()).get(age, 0) > OLD_S, "it tells how long it has not answered")


def test_a_device_that_has_hung_is_not_begun_again(devices, folder):
    threads = [len(os.listdir("/proc/self/task"))]
    for _ in range(5):
        devices.text()
        threads.append(len(os.listdir("/proc/self/task")))
    assert max(threads) - threads[0] <= 2  # the one that hangs, and the one that is just ending
