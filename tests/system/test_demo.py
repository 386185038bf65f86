"""`tocsin up --demo` as a person runs it: a page, silence, an alarm with its reason, and nothing left after Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

PICTURE_WITHIN_S = 60
ALARM_WITHIN_S = 240
# A day a second, three times the pace that people see; windows follow event time at any.
COMMAND = [sys.executable, "-m", "tocsin_collector", "up", "--demo", "--days-per-second", "1"]


class Terminal:
    """The demo's output as it comes."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def wait(self, pattern, limit_s):
        limit = time.monotonic() + limit_s
        while time.monotonic() < limit:
            found = re.search(pattern, "".join(list(self.lines)))
            if found:
                return found
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.1)
        raise AssertionError(f"no {pattern!r} within {limit_s} s:\n" + "".join(self.lines))

    def close(self):
        self._reader.join(10)
        self.process.stdout.close()


def _children(pid):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(name))
    return found


def _get(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture
def demo():
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, env=environ)
    terminal = Terminal(process)
    yield terminal
    if process.poll() is None:
        process.kill()
        process.wait()
    terminal.close()


@pytest.mark.system
@pytest.mark.timeout(PICTURE_WITHIN_S + ALARM_WITHIN_S + 60)
def test_the_demo_shows_a_page_rings_once_and_leaves_nothing(demo):
    page = demo.wait(r"page +(http://\S+)", PICTURE_WITHIN_S)[1]
    overview = _get(page)
    assert "<svg" in overview or "CPU" in overview
    model = demo.wait(r"model +(http://\S+)", PICTURE_WITHIN_S)[1]

    alarm = demo.wait(r"\[\w+\] Model flights.*", ALARM_WITHIN_S)[0]
    assert "dep_delay_min" in alarm
    assert "missing" in alarm
    demo.wait(r"Window: 2013-12-05", 5)
    assert "dep_delay_min" in _get(model)
    assert "flights" in _get(page + "v1/logs?q=flights") or _get(page + "v1/logs")

    children = _children(demo.process.pid)
    assert len(children) >= 5
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(15) == 0
    assert [pid for pid in children if os.path.exists(f"/proc/{pid}")] == []
