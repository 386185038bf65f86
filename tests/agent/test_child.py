"""Work in a short-lived child."""

import os
import time

import pytest

from tocsin_agent.child import ChildError, in_child


def test_what_the_child_gives_comes_back_however_long_it_is():
    big = {"a": [1, 2.5, "x", None, True, b"y"], "long": "z" * 1_000_000}
    assert in_child(lambda: big) == big


def test_it_is_another_process_and_it_is_gone():
    child = in_child(os.getpid)
    assert child != os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_child_that_fails_is_told(capfd):
    def fail() -> object:
        raise KeyError("x")

    with pytest.raises(ChildError, match="has failed"):
        in_child(fail)
    with pytest.raises(ChildError, match="has failed"):
        in_child(lambda: os.kill(os.getpid(), 9))


def test_a_child_that_hangs_is_ended_in_time():
    began = time.monotonic()
    with pytest.raises(ChildError, match=r"not done within 0\.2 s"):
        in_child(lambda: time.sleep(60), 0.2)
    assert time.monotonic() - began < 10


def test_no_descriptor_is_left():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        in_child(lambda: 1)
    assert len(os.listdir("/proc/self/fd")) == before
