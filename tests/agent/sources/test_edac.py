"""Memory errors."""

import pytest

from tocsin_agent.sources.edac import Edac


def test_errors_by_controller_and_row(planted, series):
    source = Edac(planted("edac"))
    found = series(source.read())
    assert found["node_edac_correctable_errors_total", frozenset({("controller", "12")})] == 11
    row = frozenset({("controller", "0"), ("csrow", "10")})
    assert found["node_edac_csrow_uncorrectable_errors_total", row] == 8
    source.close()


def test_the_summary_has_the_controllers_only(planted, series):
    found = series(Edac(planted("edac") | {"profile": "summary"}).read())
    assert {name for name, _ in found} == {"node_edac_correctable_errors_total", "node_edac_uncorrectable_errors_total"}


def test_a_counter_that_cannot_be_read_is_left_out(planted, series, tmp_path):
    source = Edac(planted("edac.dimms"))
    (tmp_path / "sys/devices/system/edac/mc/mc0/ue_count").write_text("many")
    assert "node_edac_uncorrectable_errors_total" not in {name for name, _ in series(source.read())}


def test_a_host_without_a_driver_has_nothing(planted, tmp_path):
    assert Edac(planted("edac") | {"sysfs": str(tmp_path / "none")}).read() == b""


def test_a_controller_that_tells_nothing_is_an_error(planted, tmp_path):
    values = planted("edac.dimms")
    for file in ("ce_count", "ue_count", "ce_noinfo_count", "ue_noinfo_count"):
        (tmp_path / "sys/devices/system/edac/mc/mc0" / file).unlink()
    with pytest.raises(FileNotFoundError):
        Edac(values).read()
