"""The kernel's clock discipline."""

import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.timex import SIZE, TimeX, parse
from tocsin_schema.metrics.timex import METRICS

LONG = st.integers(-(2**63), 2**63 - 1)
INT = st.integers(-(2**31), 2**31 - 1)


def packed(status=0, offset=0, frequency=0, jitter=0, tai=0) -> bytes:
    fields = [0, offset, frequency, 3_000_000, 4_000_000, status, 7, 8, 9, 10, 11, 12_000_000, 13, jitter]
    data = struct.pack("@Illlliqqqqqqqqiqqqqqi", *fields, 15, 16, 17, 18, 19, 20, tai)
    return data.ljust(SIZE, b"\0")


def named(data: bytes, state: int = 0) -> dict[str, float]:
    return dict(zip([metric.name.removeprefix("node_timex_") for metric in METRICS], parse(data, state), strict=True))


@given(LONG, LONG, INT, INT)
def test_every_field_comes_from_its_place(offset, jitter, status, tai):
    unit = 1e9 if status & 0x2000 else 1e6
    found = named(packed(status, offset, 65_536_000_000, jitter, tai))
    assert found["offset_seconds"] == offset / unit
    assert found["pps_jitter_seconds"] == jitter / unit
    assert (found["status"], found["tai_offset_seconds"]) == (status, tai)
    assert found["frequency_adjustment_ratio"] == 2
    assert (found["maxerror_seconds"], found["estimated_error_seconds"], found["tick_seconds"]) == (3, 4, 12)
    assert (found["loop_time_constant"], found["pps_shift_seconds"]) == (7, 15)
    counts = ("jitter", "calibration", "error", "stability_exceeded")
    assert [found[f"pps_{name}_total"] for name in counts] == [17, 18, 19, 20]


@pytest.mark.parametrize(("state", "synchronised"), [(0, 1), (4, 1), (5, 0)])
def test_an_unsynchronised_clock_is_state_five(state, synchronised):
    assert named(packed(), state)["sync_status"] == synchronised


def test_this_clock_reads_as_the_c_library_reads_it(this_host, series):
    source = TimeX(this_host)
    buffer = ctypes.create_string_buffer(SIZE)
    state = ctypes.CDLL(None).adjtimex(buffer)
    found = {name.removeprefix("node_timex_"): value for (name, _), value in series(source.read()).items()}
    theirs = named(buffer.raw, state)
    assert {name for name in found if found[name] != theirs[name]} <= {"offset_seconds", "maxerror_seconds"}
    source.close()
