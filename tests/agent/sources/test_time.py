"""The clock and its sources."""

import time

import pytest

from tocsin_agent.sources.time import Time


def test_now_and_the_clock_sources(planted, series):
    source = Time(planted("time"))
    before = time.time()
    found = series(source.read())
    assert before <= found["node_time_seconds", frozenset()] <= time.time()
    clocks = {dict(labels)["clocksource"] for name, labels in found if name == "node_time_clocksource_available_info"}
    assert clocks == {"tsc", "hpet", "acpi_pm"}
    assert found["node_time_clocksource_current_info", frozenset({("device", "0"), ("clocksource", "tsc")})] == 1
    source.close()


@pytest.mark.parametrize(("zone", "offset"), [("<+0545>-5:45", 20_700), ("EST5", -18_000)])
def test_the_zone_and_its_offset(planted, series, monkeypatch, zone, offset):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        found = series(Time(planted("time")).read())
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [value for (name, _), value in found.items() if name == "node_time_zone_offset_seconds"] == [offset]


def test_a_host_without_clock_sources_has_the_time(planted, series, tmp_path):
    values = planted("time")
    values["sysfs"] = str(tmp_path / "nowhere")
    assert {name for name, _ in series(Time(values).read())} == {"node_time_seconds", "node_time_zone_offset_seconds"}
