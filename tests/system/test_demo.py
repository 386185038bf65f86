"""`tocsin up --demo` as a person runs it: a page, silence, an alarm with its reason, and nothing left after Ctrl-C."""

import os
import signal
import urllib.request

import pytest

from tests.system.terminal import demo

PICTURE_WITHIN_S = 60
ALARM_WITHIN_S = 240
DAYS_PER_SECOND = 1
"""Three times the pace that people see."""


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


@pytest.mark.system
@pytest.mark.timeout(PICTURE_WITHIN_S + ALARM_WITHIN_S + 60)
def test_the_demo_shows_a_page_rings_once_and_leaves_nothing():
    with demo(DAYS_PER_SECOND) as terminal:
        page = terminal.wait(r"page +(http://\S+)", PICTURE_WITHIN_S)[1]
        overview = _get(page)
        assert "<svg" in overview or "CPU" in overview
        model = terminal.wait(r"model +(http://\S+)", PICTURE_WITHIN_S)[1]

        alarm = terminal.wait(r"\[\w+\] Model flights.*", ALARM_WITHIN_S)[0]
        assert "dep_delay_min" in alarm
        assert "missing" in alarm
        terminal.wait(r"Window: 2013-12-05", 5)
        assert "dep_delay_min" in _get(model)
        assert "flights" in _get(page + "v1/logs?q=flights") or _get(page + "v1/logs")

        children = _children(terminal.process.pid)
        assert len(children) >= 5
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(15) == 0
        assert [pid for pid in children if os.path.exists(f"/proc/{pid}")] == []
