"""The other lines of /proc/stat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.cpu import Cpu
from tocsin_agent.sources.stat import FIELDS, Stat, parse


@given(st.lists(st.integers(0, 2**64), min_size=6, max_size=6), st.binary(max_size=50).filter(lambda b: b"\n" not in b))
def test_fields_are_found_in_any_order_among_others(values, noise):
    lines = [b"%b %d" % (field, value) for field, value in zip(FIELDS, values, strict=True)]
    data = b"cpu 1\n" + b"\n".join(reversed(lines)) + b"\nx" + noise + b"\n"
    assert parse(data) == tuple(b"%d" % value for value in values)


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match="with a count expected"):
        parse(data)


def test_recorded_host(host, series):
    source = Stat(host("server_4.14"))
    assert series(source.read()) == {
        ("node_intr_total", frozenset()): 8885917,
        ("node_context_switches_total", frozenset()): 38014093,
        ("node_boot_time_seconds", frozenset()): 1418183276,
        ("node_forks_total", frozenset()): 26442,
        ("node_procs_running", frozenset()): 2,
        ("node_procs_blocked", frozenset()): 1,
    }
    source.close()


def test_one_read_serves_cpu_and_stat_and_the_last_to_close_ends_it(host):
    values = host("server_4.14")
    cpu, stat = Cpu(values), Stat(values)
    assert cpu._stat is stat._stat
    cpu.close()
    assert stat.read()
    stat.close()
    assert stat._stat._file.fileno() == -1


def test_bytes_are_not_kept_beyond_the_end(host, tmp_path):
    values = host("server_4.14")
    for count in (b"5", b"6"):
        path = tmp_path / "proc/stat"
        path.write_bytes(
            path.read_bytes()
            .replace(b"processes 26442", b"processes " + count)
            .replace(b"processes 5\n", b"processes " + count + b"\n")
        )
        source = Stat(values)
        assert b"node_forks_total " + count + b"\n" in source.read()
        source.close()
