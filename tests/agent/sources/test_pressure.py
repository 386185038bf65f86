"""Pressure stall information."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.pressure import Pressure, parse

LINE = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=%d\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=%d\n"


@given(st.integers(0, 2**64), st.integers(0, 2**64))
def test_each_line_gives_its_total(some, full):
    assert (parse(LINE % (some, full), "some"), parse(LINE % (some, full), "full")) == (b"%d" % some, b"%d" % full)


@given(st.binary(max_size=200), st.sampled_from(["some", "full"]))
def test_anything_else_is_a_value_error(data, line):
    with pytest.raises(ValueError, match="total="):
        parse(data, line)


def test_microseconds_become_seconds(host, series, tmp_path):
    values = host("vm_6.18")
    (tmp_path / "proc/pressure/io").write_bytes(LINE % (5427771, 17))
    source = Pressure(values)
    found = {name: value for (name, _), value in series(source.read()).items()}
    assert found["node_pressure_io_waiting_seconds_total"] == 5.427771
    assert found["node_pressure_io_stalled_seconds_total"] == 17e-6
    assert len(found) == 5
    source.close()


def test_a_resource_that_goes_loses_its_series_and_none_at_all_is_an_error(host, series, tmp_path):
    source = Pressure(host("vm_6.18"))
    (tmp_path / "proc/pressure/io").unlink()
    assert len(series(source.read())) == 3
    for name in ("cpu", "memory"):
        (tmp_path / "proc/pressure" / name).unlink()
    source.close()
    with pytest.raises(FileNotFoundError, match="psi=0"):
        source.read()


def test_interrupts_have_a_stalled_counter_only(host, series, tmp_path):
    values = host("vm_6.18")
    (tmp_path / "proc/pressure/irq").write_bytes(LINE.splitlines()[1] % 9 + b"\n")
    found = series(Pressure(values).read())
    assert found["node_pressure_irq_stalled_seconds_total", frozenset()] == 9e-6
