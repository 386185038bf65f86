"""One mount that may hang."""

import os
import threading
from pathlib import Path

import pytest

from tocsin_agent.mountpoint import STUCK, Mountpoint


@pytest.mark.parametrize("fstype", ["ext4", "nfs4"])
def test_the_answer_is_the_room_or_the_error(tmp_path: Path, fstype):
    there, missing = Mountpoint(str(tmp_path), fstype), Mountpoint(str(tmp_path / "missing"), fstype)
    for _ in range(3):
        for mountpoint in (there, missing):
            mountpoint.ask()
        room = there.answer(5)
        assert not isinstance(room, str)
        assert room.f_blocks == os.statvfs(tmp_path).f_blocks
        assert missing.answer(5) == "no such file or directory"


def test_a_path_with_a_zero_byte_is_an_error_too():
    assert isinstance(Mountpoint("/a\0b", "ext4").answer(0), str)


def test_an_answer_that_was_never_asked_for_is_none():
    assert Mountpoint("/", "nfs").answer(0) == STUCK


def test_no_thread_to_be_had_is_the_error_of_one_scrape(tmp_path: Path):
    mountpoint = Mountpoint(str(tmp_path), "nfs")
    usual = threading.stack_size(1 << 47)  # more than there are addresses: the system refuses every thread
    try:
        mountpoint.ask()
        assert mountpoint.answer(5) == "can't start new thread"
    finally:
        threading.stack_size(usual)
    mountpoint.ask()
    assert not isinstance(mountpoint.answer(5), str)


def test_a_local_mount_below_one_that_waits_for_a_server_waits_as_well(tmp_path: Path):
    usual = threading.stack_size(1 << 47)  # an answer that needs no thread is there all the same
    try:
        for above, needs_thread in (("xfs", False), ("nfs4", True)):
            mountpoint = Mountpoint(str(tmp_path), "ext4", above)
            mountpoint.ask()
            assert isinstance(mountpoint.answer(5), str) == needs_thread
    finally:
        threading.stack_size(usual)
