"""Hardware sensors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.process import until
from tocsin_agent.readings import OLD_S
from tocsin_agent.sources.hwmon import TYPES, Hwmon, clean, split

WORD = st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=9)


@given(st.sampled_from(sorted(TYPES)), st.integers(0, 99), WORD)
def test_a_file_is_a_type_a_number_and_an_element(kind, number, element):
    assert split(f"{kind}{number}_{element}") == (kind, f"{kind}{number}", element)
    assert split(f"{kind}{number}") == (kind, f"{kind}{number}", "")


@given(st.text(max_size=20))
def test_any_other_file_is_none(file):
    kind, sensor, _ = split(file)
    assert not kind or (kind in TYPES and sensor.startswith(kind))


@pytest.mark.parametrize(
    "file", ["name", "uevent", "temp1input", "temp1_", "temperature1_input", "", "1_input", "power_x"]
)
def test_what_is_no_sensor(file):
    assert split(file)[0] == ""


def test_a_file_without_a_number():
    assert split("vrm") == ("vrm", "vrm0", "")
    assert split("update_interval") == ("update_interval", "update_interval0", "")


@given(st.text(max_size=30))
def test_a_chips_name_is_plain(name):
    assert not clean(name).strip("abcdefghijklmnopqrstuvwxyz0123456789:_")


def of(found, name: str) -> dict[tuple[str, str], float]:
    return {
        (dict(labels)["chip"], dict(labels)["sensor"]): value
        for (metric, labels), value in found.items()
        if metric == f"node_hwmon_{name}"
    }


def test_chips_are_called_by_their_place_and_their_units_are_base_units(planted, series):
    source = Hwmon(planted("hwmon"))
    found = series(source.read())
    assert of(found, "temp_celsius")["platform_coretemp_0", "temp2"] == -54
    assert of(found, "temp_celsius")["nvme_nvme0", "temp1"] == 33.85
    assert of(found, "power_average_watt") == {("lnxsystm:00_acpi000d:00", "power1"): 131}
    assert of(found, "beep_enabled") == {("platform_nct6775_656", "beep_enable0"): 1}
    source.close()


@pytest.mark.system
def test_a_chip_that_hangs_takes_no_other_with_it_and_tells_how_old_it_is(planted, series, tmp_path, hang):
    source = Hwmon(planted("hwmon"))
    source.read()
    source.close()
    stuck = tmp_path / "sys/devices/pci0000:00/0000:00:01.1/nvme/nvme0/hwmon2/temp1_input"
    hang(stuck)

    def warm() -> set[str]:
        return {chip for chip, _ in of(series(source.read()), "temp_celsius")}

    until(lambda: warm() == {"platform_coretemp_0", "hwmon4"}, "the others answer")
    age = "tocsin_hwmon_age_seconds", frozenset({("device", "nvme_nvme0")})
    until(lambda: series(source.read()).get(age, 0) > OLD_S, "it tells how long it has not answered")
    source.close()


def test_a_chip_that_comes_is_seen_at_the_next_look(planted, series, tmp_path):
    source = Hwmon(planted("hwmon.absent"))
    assert source.read() == b""
    folder = tmp_path / "sys/class/hwmon/hwmon0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("acpitz\n")
    (folder / "temp1_input").write_text("16800\n")
    assert source.read() == b""
    source._readings._look_at = 0  # half a minute later
    assert of(series(source.read()), "temp_celsius") == {("acpitz", "temp1"): 16.8}
    source.close()


def test_a_sensor_that_says_nothing_now_is_left_out_now(planted, series, tmp_path):
    values = planted("hwmon.absent")
    folder = tmp_path / "sys/class/hwmon/hwmon0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("coretemp\n")
    for number in (1, 2):
        (folder / f"temp{number}_input").write_text("1000\n")
    source = Hwmon(values)
    assert len(of(series(source.read()), "temp_celsius")) == 2
    (folder / "temp1_input").write_text("\n")
    assert len(of(series(source.read()), "temp_celsius")) == 1
    (folder / "temp1_input").write_text("2000\n")
    assert of(series(source.read()), "temp_celsius") == {("coretemp", "temp1"): 2, ("coretemp", "temp2"): 1}
    source.close()
