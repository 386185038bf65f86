"""Thermal zones and cooling devices."""

import os

import pytest

from tests.servers.process import until
from tocsin_agent.readings import OLD_S
from tocsin_agent.sources.thermal_zone import ThermalZone


def zones(found) -> dict[str, float]:
    return {dict(labels)["zone"]: value for (name, labels), value in found.items() if name == "node_thermal_zone_temp"}


def test_degrees_and_states(planted, series):
    source = ThermalZone(planted("thermal_zone"))
    found = series(source.read())
    assert zones(found) == {"0": 49.925, "1": -4.4, "2": 0.001}
    assert found["node_cooling_device_cur_state", frozenset({("name", "11"), ("type", "intel_powerclamp")})] == -1
    source.close()


@pytest.mark.system
def test_a_zone_that_hangs_takes_no_other_with_it_and_tells_how_old_it_is(planted, series, tmp_path, hang):
    source = ThermalZone(planted("thermal_zone"))
    assert set(zones(series(source.read()))) == {"0", "1", "2"}
    source.close()
    stuck = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    hang(stuck)
    until(lambda: set(zones(series(source.read()))) == {"1", "2"}, "the others answer")
    age = "tocsin_thermal_zone_age_seconds", frozenset({("device", "thermal_zone0")})
    until(lambda: series(source.read()).get(age, 0) > OLD_S, "it tells how long it has not answered")
    os.close(os.open(stuck, os.O_RDWR | os.O_NONBLOCK))  # whoever waits goes on, and fails
    stuck.unlink()
    stuck.write_text("1000\n")
    until(lambda: zones(series(source.read())).get("0") == 1, "it answers again")
    source.close()


def test_a_zone_that_comes_is_seen_at_the_next_look(planted, series, tmp_path):
    source = ThermalZone(planted("thermal_zone"))
    source.read()
    folder = tmp_path / "sys/class/thermal/thermal_zone9"
    folder.mkdir()
    (folder / "type").write_text("new\n")
    (folder / "temp").write_text("9000\n")
    assert "9" not in zones(series(source.read()))
    source._readings._look_at = 0  # half a minute later
    assert zones(series(source.read()))["9"] == 9
    source.close()


def test_a_host_without_zones_has_nothing(planted):
    assert ThermalZone(planted("thermal_zone.absent")).read() == b""
