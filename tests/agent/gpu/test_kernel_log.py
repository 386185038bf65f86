"""The kernel's log: the driver's lines in it, and the log itself as a file, a pipe and the real one."""

import os
import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.gpu.kernellog import REMOVED, REMOVING, SXID, XID, KernelLog, address, parse

LINES = {
    "3,1001,5512345678,-;NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.":
        (XID, "0000:3b:00", 79, "", False),
    "4,77,12,-,caller=T812;NVRM: Xid (PCI:0000:cb:00): 13, pid=4242, name=python3, Graphics Exception: ESR 0x50473":
        (XID, "0000:cb:00", 13, "", False),
    "3,78,13,-;NVRM: Xid (PCI:0000:b1:00 GPU-I:05): 95, pid=77, name=python, Uncontained: SM (0x1). RST: Yes":
        (XID, "0000:b1:00", 95, "", False),
    "3,79,14,-;NVRM: Xid (PCI:0000:b1:00 GPU-I:05 GPU-CI:01): 43, pid=77, name=python, Ch 00000008":
        (XID, "0000:b1:00", 43, "", False),
    "6,80,15,-;NVRM: Xid (0000:03:00): 31, Ch 00000010, engmask 00000101": (XID, "0000:03:00", 31, "", False),
    "3,81,16,-;NVRM: Xid (PCI:10000:01:00): 62, pid=1, name=x, 0 0 0": (XID, "10000:01:00", 62, "", False),
    "3,82,17,-;nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 egress non-posted PRIV error":
        (SXID, "0000:05:00", 12028, "3", False),
    "2,83,18,-;nvidia-nvswitch0: SXid (PCI:0000:c1:00.0): 24007, Fatal, Link 44 sourcetrack timeout error (First)":
        (SXID, "0000:c1:00", 24007, "0", True),
    "3,84,19,-;NVRM: Attempting to remove device 0000:8a:00.0 with non-zero usage count!":
        (REMOVING, "0000:8a:00", 0, "", False),
    "3,85,20,-;NVRM: Continuing with GPU removal for device 0000:8a:00.0": (REMOVED, "0000:8a:00", 0, "", False),
}  # fmt: skip
OTHERS = (
    "6,86,21,-;NVRM: loading NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build",
    "3,87,22,-;NVRM: GPU Board Serial Number: 1565020013641",
    "3,88,23,-;NVRM: GPU at PCI:0000:3b:00: GPU-2ae7f4cf-0d6c-4c40-8c79-d8e3f2f8a3d2",
    # The details of an SXID: the same fault in a second and a third line.
    "3,89,24,-;nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Severity 0 Engine instance 32 Sub-engine instance 00",
    "3,90,25,-;nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Data {0x00000004, 0x00000000}",
    "6,91,26,-;nvidia-nvswitch3: using MSI",
    "3,92,27,-;NVRM: Xid (PCI:0000:3b:00): , pid=1",
    "3,93,28,-;NVRM: Xid (PCI:zzzz:3b:00): 79, pid=1",
    "3,94,29,-;NVRM: Xid (PCI:0000:3b:00: 79",
    "3,95,30,-;NVRM: Attempting to remove device nothing",
    '6,96,31,-;audit: comm="NVRM: Xid (PCI:0000:3b:00): 79, "',
    " NVRM: Xid (PCI:0000:3b:00): 79, a line of details of another record",
    "NVRM: Xid (PCI:0000:3b:00): 79, no prefix of a record",
)  # fmt: skip


def as_tuple(entry):
    return entry.kind, entry.place, entry.number, entry.switch, entry.fatal


@pytest.mark.parametrize("line", LINES)
def test_each_of_the_drivers_lines_is_read(line):
    (entry,) = parse(line.encode() + b"\n SUBSYSTEM=pci\n DEVICE=+pci:0000:3b:00.0\n")
    assert as_tuple(entry) == LINES[line]
    assert entry.text == line.partition(";")[2]


def test_other_lines_are_none_of_ours():
    assert parse("\n".join(OTHERS).encode()) == []


def test_several_records_are_read_in_order():
    assert [as_tuple(entry) for entry in parse("\n".join([*LINES, *OTHERS]).encode())] == list(LINES.values())


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"3,1,2,-;NVRM: Xid (PCI:{text}".encode()))
def test_any_bytes_are_read_or_left(data):
    for entry in parse(data):
        assert entry.kind in (XID, SXID, REMOVING, REMOVED)


@given(st.integers(0, 0xFFFFFF), st.integers(0, 255), st.integers(0, 31), st.integers(1, 999_999), st.text(max_size=80))
def test_what_the_driver_writes_is_read_back(domain, bus, device, xid, message):
    place = address(domain, bus, device)
    line = f"3,1,2,-;NVRM: Xid (PCI:{place}): {xid}, pid=1, name=x, {message}".replace("\n", " ")
    (entry,) = parse(line.encode("utf-8", "replace"))
    assert (entry.place, entry.number) == (place, xid)


class Told(list):
    """What a log has told; ``wait`` for so many entries."""

    def __init__(self):
        super().__init__()
        self._more = threading.Condition()

    def __call__(self, entry):
        with self._more:
            self.append(as_tuple(entry))
            self._more.notify()

    def wait(self, count, limit_s=10):
        with self._more:
            assert self._more.wait_for(lambda: len(self) >= count, limit_s), self
        return list(self)


@pytest.fixture
def followed():
    """``followed(path)`` gives what the log there tells from now on."""
    logs = []

    def follow(path):
        told = Told()
        log = KernelLog(str(path), told)
        logs.append(log)
        log.start()
        return told

    yield follow
    for log in logs:
        log.close()
        if log.thread:
            log.thread.join(5)
            assert not log.thread.is_alive()


def xid(number, place="0000:3b:00"):
    return f"3,1,2,-;NVRM: Xid (PCI:{place}): {number}, pid=1, name=x, y\n"


def append(path, text):
    with open(path, "a") as file:
        file.write(text)


def test_what_was_logged_before_is_not_told(tmp_path, followed):
    path = tmp_path / "kmsg"
    path.write_text(xid(79) + xid(48))
    told = followed(path)
    append(path, xid(31))
    assert [number for _, _, number, *_ in told.wait(1)] == [31]


def test_a_record_that_comes_in_two_pieces_is_one(tmp_path, followed):
    path = tmp_path / "kmsg"
    os.mkfifo(path)
    reader = followed(path)
    with open(path, "w") as pipe:
        half = xid(79)
        pipe.write(half[:30])
        pipe.flush()
        pipe.write(half[30:] + xid(48))
        pipe.flush()
        assert [number for _, _, number, *_ in reader.wait(2)] == [79, 48]


def test_a_log_that_is_not_there_is_told_once_and_costs_no_thread(tmp_path, capfd):
    log = KernelLog(str(tmp_path / "none"), Told())
    log.start()
    log.start()
    assert log.thread is None
    log.close()
    said = capfd.readouterr().err
    assert said.count("kernel_log_unreadable") == 1
    assert 'error="No such file or directory"' in said
    assert "XIDs come from NVML alone" in said


def test_a_listener_that_fails_does_not_end_the_log(tmp_path, capfd):
    path = tmp_path / "kmsg"
    path.touch()
    seen = Told()

    def tell(entry):
        seen(entry)
        if entry.number == 79:
            raise ValueError("a bad day")

    log = KernelLog(str(path), tell)
    log.start()
    append(path, xid(79) + xid(48))
    seen.wait(2)
    log.close()
    log.thread.join(5)
    assert "kernel_log_failed" in capfd.readouterr().err


def _real():
    """The kernel's log, where this user may read and write it, and no GPU is watched by others through it."""
    path = Path("/dev/kmsg")
    if not (path.exists() and stat.S_ISCHR(path.stat().st_mode) and os.access(path, os.W_OK)):
        pytest.skip("/dev/kmsg cannot be written by this user")
    if Path("/proc/driver/nvidia").exists():
        pytest.skip("this machine has NVIDIA's driver: others may take a line of a test for a fault")
    return path


def _log(path, text):
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


NOWHERE = "fffe:fe:1e"
"""A PCI address that no machine has."""


@pytest.mark.system
def test_the_real_log_tells_what_comes_and_nothing_old(followed):
    path = _real()
    _log(path, f"<3>NVRM: Xid (PCI:{NOWHERE}): 1234, pid=1, name=a test of tocsin, old\n")
    told = followed(path)
    _log(path, f"<3>NVRM: Xid (PCI:{NOWHERE}): 4321, pid=1, name=a test of tocsin, new\n")
    deadline = time.monotonic() + 10
    while not (mine := [entry for entry in list(told) if entry[1] == NOWHERE]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert mine == [(XID, NOWHERE, 4321, "", False)]
