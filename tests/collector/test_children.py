"""Children end with their parent, and what they said is told when one fails."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tocsin_collector.children import ChildFailed, Children

LIMIT_S = 10


def _until(condition):
    limit = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.01)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that runs the source given to it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        return name

    return write


def test_leaving_the_block_ends_all(module, tmp_path):
    name = module("sleeper", "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    with Children(str(tmp_path)) as children:
        children.start("one", name)
        _until(lambda: (tmp_path / "one.log").read_text().strip())
        pid = int((tmp_path / "one.log").read_text())
        assert _alive(pid)
    assert not _alive(pid)


def test_a_child_that_ignores_sigterm_is_killed(module, tmp_path):
    source = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    with Children(str(tmp_path), grace_s=0.2) as children:
        children.start("deaf", module("deaf", source))
        _until((tmp_path / "deaf.log").read_text)
    assert children.running() == []


def test_a_failed_child_is_told_with_its_last_words(module, tmp_path):
    name = module("failing", "import sys; print('the port is taken', file=sys.stderr); sys.exit(3)")
    with Children(str(tmp_path)) as children:
        children.start("agent", name)
        with pytest.raises(ChildFailed, match=r"(?s)agent ended with code 3.*the port is taken"):
            _until(lambda: bool(children.check()))


def test_a_child_may_end_well_when_that_is_expected(module, tmp_path):
    with Children(str(tmp_path)) as children:
        children.start("traffic", module("short", ""))
        _until(lambda: children.check("traffic") == ["traffic"])


def test_a_killed_parent_leaves_no_child(module, tmp_path):
    sleeper = module("sleeper", "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    source = f"""
import time
from tocsin_collector.children import Children
with Children({str(tmp_path)!r}) as children:
    children.start("one", {sleeper!r})
    time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-m", module("parent", source)])
    try:
        log = tmp_path / "one.log"
        _until(lambda: log.exists() and log.read_text().strip())
        pid = int(log.read_text())
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    _until(lambda: not _alive(pid))
