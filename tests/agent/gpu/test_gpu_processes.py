"""Processes of a GPU: whose memory, whose time, and never those of a process that had the number before."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.gpu.processes import fold, parse, shares

STAT = b"4242 (a) b) S 1 4242 4242 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200 18446744073709551615\n"
OTHER = ("_other", "_other")


def test_a_name_may_hold_a_bracket():
    assert parse(STAT) == ("a) b", 987654)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data):
    try:
        name, start = parse(data)
    except ValueError:
        return
    assert isinstance(name, str)
    assert isinstance(start, int)


def test_the_rest_is_folded_and_nothing_is_lost():
    values = {(str(pid), "python"): float(pid) for pid in range(1, 31)}
    folded = fold(values, 17)
    assert len(folded) == 17
    assert sum(folded.values()) == sum(values.values())
    assert folded["30", "python"] == 30
    assert folded[OTHER] == sum(range(1, 15))
    assert fold({("1", "a"): 2.0}, 17) == {("1", "a"): 2.0}


def test_a_sample_from_before_the_start_is_the_predecessors():
    samples = [(7, 100, 90), (7, 200, 30), (7, 300, 50), (8, 300, 10), (9, 300, 905)]
    assert shares(samples, {7: 150.0, 9: 0.0}) == {7: 0.4}


@pytest.mark.system
def test_a_process_has_its_memory_its_time_and_its_name(gpus):
    control, child = gpus(1)
    control.processes(0, (os.getpid(), 3 << 30, 25, 0), (2**22 + 1, 1 << 30, 50, 0))
    key = str(os.getpid())
    series = child.until(lambda series: ("process_memory_bytes", "0", str(2**22 + 1), "") in series)
    named = {key[2]: (key[3], value) for key, value in series.items() if key[0] == "process_memory_bytes"}
    with open("/proc/self/comm") as file:
        assert named[key] == (file.read().strip(), 3 << 30)
    # One that is not under /proc may have ended: its memory is still held, its time is nobody's.
    assert named[str(2**22 + 1)] == ("", 1 << 30)
    assert not [key for key in series if key[0] == "process_utilization_ratio" and key[2] == str(2**22 + 1)]
    assert series["process_utilization_ratio", "0", key, named[key][0]] == 0.25
    control.processes(0)
    child.until(lambda series: not [key for key in series if key[0].startswith("process_")])


@pytest.mark.system
def test_beyond_sixteen_processes_the_rest_are_one(gpus):
    control, child = gpus(1)
    control.processes(0, *((2**22 + pid, pid << 20, 0, 1) for pid in range(1, 31)))
    series = child.until(lambda series: ("process_memory_bytes", "0", *OTHER) in series)
    sizes = [value for key, value in series.items() if key[0] == "process_memory_bytes"]
    assert len(sizes) == 17
    assert sum(sizes) == sum(range(1, 31)) << 20


LOOKS = """
import gc, pynvml
from tocsin_agent.gpu.processes import Processes
pynvml.nvmlInit()
gpu, reader = pynvml.nvmlDeviceGetHandleByIndex(0), Processes(1.0)
assert reader.read(pynvml, gpu, 0.0)
gc.collect()
gc.disable()
for _ in range(5):
    reader.read(pynvml, gpu, 0.0)
print(gc.collect())
"""


@pytest.mark.system
def test_looks_at_processes_leave_nothing_to_the_garbage_collector(compiled, steered):
    control = steered(1)
    control.processes(0, (os.getpid(), 3 << 30, 25, 0), (1, 1 << 30, 50, 0))
    environ = {**os.environ, "LD_LIBRARY_PATH": str(compiled["new"]), "TOCSIN_FAKE_NVML": str(control.path)}
    done = subprocess.run(
        [sys.executable, "-c", LOOKS], env=environ, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
