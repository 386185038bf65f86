"""Energy of the CPUs."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.rapl import Rapl, split


@given(st.text(max_size=20))
def test_any_name_has_a_kind(name):
    kind, index = split(name)
    assert (kind == name and not index) or name.startswith(f"{kind}-")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("package-1", ("package", "1")),
        ("core", ("core", "")),
        ("package-1-die-0", ("package-1-die-0", "")),
        ("-", ("-", "")),
    ],
)
def test_the_number_of_a_zone(name, found):
    assert split(name) == found


def test_joules_of_each_zone(planted, series, tmp_path):
    source = Rapl(planted("rapl"))
    found = {(name, dict(labels)["index"]): value for (name, labels), value in series(source.read()).items()}
    assert found["node_rapl_package_joules_total", "10"] == 0.019293
    assert found["node_rapl_core_joules_total", "1"] == 7e-06
    assert len(found) == 7
    (tmp_path / "sys/class/powercap/intel-rapl:2/energy_uj").unlink()
    source.close()
    assert len(series(source.read())) == 6


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_zones_that_only_root_may_read_are_an_error(planted, tmp_path):
    values = planted("rapl")
    for path in (tmp_path / "sys/class/powercap").glob("*/energy_uj"):
        path.chmod(0)
    with pytest.raises(PermissionError):
        Rapl(values).read()


def test_a_host_that_counts_no_energy_has_nothing(planted):
    assert Rapl(planted("rapl.absent")).read() == b""
