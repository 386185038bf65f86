"""Memory fields: kB are KiB, counts are counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.meminfo import Meminfo, known, parse


def test_kilobytes_become_bytes_counts_stay_and_unknown_fields_are_left_out(host, series):
    found = {name: value for (name, _), value in series(Meminfo(host("server_4.14")).read()).items()}
    assert found["node_memory_MemTotal_bytes"] == 15666184 * 1024
    assert found["node_memory_Active_anon_bytes"] == 825896 * 1024
    assert found["node_memory_HugePages_Total"] == 2
    assert found["node_memory_Hugepagesize_bytes"] == 2 << 20
    assert len(found) == 11


def test_every_field_of_the_recorded_kernel_is_known(host, series, tmp_path):
    values = host("vm_6.18")
    lines = (tmp_path / "proc/meminfo").read_text().splitlines()
    assert len(series(Meminfo(values).read())) == len(lines)


def test_a_field_that_appears_gets_its_series(host, series, tmp_path):
    source = Meminfo(host("server_4.14"))
    before = series(source.read())
    with open(tmp_path / "proc/meminfo", "a") as file:
        file.write("Zswap: 3 kB\n")
    after = series(source.read())
    source.close()
    assert after == before | {("node_memory_Zswap_bytes", frozenset()): 3072}


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    found, error = outcome(parse, data)
    assert (
        "name and a size expected" in error
        if error
        else [int(value) >= 0 for value in found[1]] == [True] * len(found[0])
    )


@pytest.mark.parametrize("data", [b"", b"MemTotal:\n", b"MemTotal: 1 kB\nMemFree: -1 kB\n", b"a 1 b\n"])
def test_a_torn_file_is_a_value_error(data):
    with pytest.raises(ValueError, match="expected"):
        parse(data)


@given(st.binary(max_size=200))
def test_layout_of_any_bytes_does_not_raise(data):
    assert len(known(data)) == len(data.splitlines())
