"""The real agent, killed with kill -9 while it tails a file that is written and rotated."""

import contextlib
import os
import random
import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.agent.agent_process import Agent
from tests.agent.logs.conftest import until
from tests.agent.sink import Sink

pytestmark = pytest.mark.system
KILLS = 12


@pytest.fixture
def config(sink, tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text(
        f'collector = "{sink.url}"\nstate_dir = "{tmp_path}/state"\nsources = ["loadavg"]\n'
        f'[logs]\nfiles = ["{tmp_path}/app.log*"]\n'
    )
    return path


@pytest.fixture
def agents():
    """``agents(config)`` starts an agent that does not outlive the test."""
    with contextlib.ExitStack() as stack:
        yield lambda config: stack.enter_context(Agent(config))


class Writer(threading.Thread):
    """Writes numbered lines for about as long as the test kills, and renames the file now and then."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.ended = threading.Event()
        self.written = 0

    def run(self):
        path, turn = self.folder / "app.log", 0
        while not self.ended.is_set():
            with path.open("ab", buffering=0) as file:
                for _ in range(20):
                    file.write(
                        b"".join(b"2026-11-23T10:00:00Z line %d\n" % n for n in range(self.written, self.written + 10))
                    )
                    self.written += 10
                    self.ended.wait(0.01)
            turn += 1
            if turn % 5 == 0:
                os.rename(path, self.folder / f"app.log.{turn}")


def test_kill_9_loses_and_doubles_nothing(agents, config, sink, tmp_path):
    draw = random.Random(3)
    writer = Writer(tmp_path)
    writer.start()
    try:
        for kill in range(KILLS):
            agent = agents(config)
            asked = len(sink.requests) + draw.randrange(1, 6)
            sink.wait(lambda sink, asked=asked: len(sink.requests) >= asked)
            if kill % 3 == 0:
                sink.faults.extend(["keep-drop"] * 2)  # kept, the answer lost, also the second time
            time.sleep(draw.random() / 20)  # the kill comes at any point of a batch
            agent.kill()
    finally:
        writer.ended.set()
        writer.join()
    sink.faults.clear()
    agent = agents(config)
    sink.wait(lambda sink: len(sink.records) >= writer.written, 30)
    agent.stop()
    numbers = sorted(int(message.split()[-1]) for message in sink.messages())
    assert numbers == list(range(writer.written))
    assert sink.duplicates > 0


def test_logs_and_relay_show_on_the_agents_page_and_a_hung_collector_does_not_hold_it_up(
    agents, config, sink, tmp_path
):
    (tmp_path / "app.log").write_text("2026-11-23T10:00:00Z hello\n")
    agent = agents(config)
    until(lambda: "\ntocsin_agent_log_lines_total 1\n" in agent.metrics())
    request = urllib.request.Request(
        agent.url + "/v1/events", b'{"type":"label"}', {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert (answer.status, answer.read()) == (200, b'{"accepted":1}')
    sink.faults.extend(["hang"] * 3)
    with sink.changed:
        seen = len(sink.requests)
    senders = [threading.Thread(target=_post, args=(request,)) for _ in range(3)]
    for sender in senders:
        sender.start()
    sink.wait(lambda sink: len(sink.requests) >= seen + 3)
    began = time.monotonic()
    page = agent.metrics()
    assert time.monotonic() - began < 1
    assert 'tocsin_agent_relay_requests_total{code="200"} 1' in page
    sink._ending.set()
    for sender in senders:
        sender.join()
    agent.stop()


def _post(request):
    try:
        urllib.request.urlopen(request, timeout=20).close()
    except urllib.error.HTTPError as error:
        error.close()


def test_a_collector_that_is_away_is_503_at_the_agent(agents, tmp_path):
    gone = Sink()
    gone.close()
    path = tmp_path / "agent.toml"
    path.write_text(f'collector = "{gone.url}"\nsources = ["loadavg"]\n')
    agent = agents(path)
    request = urllib.request.Request(agent.url + "/v1/events", b"{}", {"content-type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=5)
    assert raised.value.code == 503
    assert int(raised.value.headers["retry-after"]) > 0
    raised.value.close()
    agent.stop()
