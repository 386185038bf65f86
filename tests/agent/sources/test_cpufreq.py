"""Frequencies and governors."""

import pytest

from tocsin_agent.sources.cpufreq import Cpufreq


def hertz(found, name: str) -> dict[str, float]:
    return {dict(labels)["cpu"]: value for (metric, labels), value in found.items() if metric == f"node_cpu_{name}"}


def test_current_frequencies_at_each_scrape_and_limits_every_five_minutes(planted, series, tmp_path):
    source = Cpufreq(planted("cpufreq"))
    found = series(source.read())
    assert hertz(found, "scaling_frequency_hertz") == {"0": 1699982000, "1": 1699982000, "10": 1299993000}
    assert hertz(found, "frequency_hertz") == {"0": 1699981000, "1": 1699981000}
    policy = tmp_path / "sys/devices/system/cpu/cpufreq/policy10"
    (policy / "scaling_cur_freq").write_text("5\n")
    (policy / "scaling_max_freq").write_text("6\n")
    (policy / "scaling_governor").write_text("ondemand\n")
    found = series(source.read())
    assert hertz(found, "scaling_frequency_hertz")["10"] == 5000
    assert hertz(found, "scaling_frequency_max_hertz")["10"] == 2700002000
    source._readings._all_at = 0  # five minutes later
    found = series(source.read())
    assert hertz(found, "scaling_frequency_max_hertz")["10"] == 6000
    on = {dict(labels)["governor"] for (_, labels), value in found.items() if ("cpu", "10") in labels and value == 1}
    assert on == {"ondemand"}
    source.close()


def test_a_cpu_that_goes_offline_loses_its_series(planted, series, tmp_path):
    source = Cpufreq(planted("cpufreq"))
    source.read()
    (tmp_path / "sys/devices/system/cpu/cpu1/cpufreq").unlink()
    source._readings._look_at = 0  # half a minute later
    assert not [labels for _, labels in series(source.read()) if ("cpu", "1") in labels]
    source.close()


@pytest.mark.parametrize("driver", ["cppc_cpufreq", ""])
def test_firmware_is_asked_aside(planted, series, tmp_path, driver):
    values = planted("cpufreq")
    (tmp_path / "sys/devices/system/cpu/cpufreq/policy0/scaling_driver").write_text(f"{driver}\n")
    source = Cpufreq(values)
    assert len(hertz(series(source.read()), "scaling_frequency_hertz")) == 3
    assert {reading.device for reading in source._readings._readings} == {driver or "cpufreq"}
    source.close()


def test_a_virtual_machine_has_nothing(planted):
    assert Cpufreq(planted("cpufreq.absent")).read() == b""
