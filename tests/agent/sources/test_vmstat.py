"""Paging counters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.kernelfile import KernelFile
from tocsin_agent.sources.vmstat import Vmstat, parse


def test_a_field_that_the_kernel_lacks_is_absent_and_a_longer_name_is_another_field(host, series):
    found = {name: value for (name, _), value in series(Vmstat(host("server_4.14")).read()).items()}
    assert found["node_vmstat_pgmajfault"] == 507162
    assert found["node_vmstat_pgfault"] == 2320168809
    assert "node_vmstat_oom_kill" not in found
    assert len(found) == 6


def test_the_wanted_fields_of_a_real_file_stand_before_the_place_where_the_read_stops():
    file = KernelFile("/proc/vmstat")
    early, whole = file.read(b"\noom_kill "), file.read()
    file.close()
    assert whole.startswith(early[: early.find(b" ")])
    assert [bool(value) for value in parse(early)] == [bool(value) for value in parse(whole)]


def test_the_first_line_counts_too():
    assert parse(b"pgpgin 5\n")[0] == b"5"


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match="a name and a count expected"):
        parse(data)
