"""The scheduler's times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.schedstat import Schedstat, parse

ROW = st.lists(st.integers(0, 2**64 - 1), min_size=9, max_size=9)


@given(st.dictionaries(st.integers(0, 9000), ROW, max_size=5))
def test_every_cpu_comes_out_and_no_domain(rows):
    lines = ["version 15", "timestamp 1"]
    for cpu, row in rows.items():
        lines += [f"cpu{cpu} " + " ".join(map(str, row)), "domain0 00000003 1 2 3", "domain1 cpu7 1"]
    cpus, found = parse(("\n".join(lines) + "\n").encode())
    assert [int(cpu) for cpu in cpus] == list(rows)
    assert list(map(int, found)) == [row[column] for column in (6, 7, 8) for row in rows.values()]


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match="a version expected"):
        parse(data)


@pytest.mark.parametrize("line", [b"cpu0 1 2 3", b"cpux 1 2 3 4 5 6 7 8 9", b"cpu0 1 2 3 4 5 6 7 8 -9"])
def test_a_torn_line_is_a_value_error(line):
    with pytest.raises(ValueError, match="a cpu and nine counts expected"):
        parse(b"version 15\n" + line + b"\n")


def test_a_recorded_host_and_a_cpu_that_goes(planted, series, tmp_path):
    source = Schedstat(planted("schedstat"))
    found = series(source.read())
    assert found["node_schedstat_running_seconds_total", frozenset({("cpu", "0")})] == 2045936.778163039
    assert found["node_schedstat_timeslices_total", frozenset({("cpu", "1")})] == 5145567945
    path = tmp_path / "proc/schedstat"
    path.write_text(path.read_text().partition("cpu1")[0])
    assert {dict(labels)["cpu"] for _, labels in series(source.read())} == {"0"}
    source.close()


def test_a_kernel_without_the_statistics_has_nothing(planted):
    assert Schedstat(planted("schedstat.absent")).read() == b""
