import os
import threading
import time

import pytest

from tests.agent.sink import Sink
from tocsin_agent.logs.record import Records
from tocsin_agent.logs.shipper import Shipper
from tocsin_agent.relay.upstream import Address, Upstream

HOST = "test-host"


@pytest.fixture
def sink():
    made = Sink()
    yield made
    made.close()


def hurried():
    """A clock ten times as fast, so that folders are scanned every 0.1 s."""
    return 10 * time.monotonic()


@pytest.fixture
def ship(sink, tmp_path):
    """``ship("*.log")`` tails files of ``tmp_path / "logs"`` to the sink; at the end every one is stopped."""
    folder = tmp_path / "logs"
    folder.mkdir()
    shippers = []

    def start(*patterns, url=None):
        state = str(tmp_path / "state")
        records = Records(host=HOST, dataset="app", namespace="default", service="")
        upstream = Upstream(Address(url or sink.url), answer_s=0.5)
        shipper = Shipper([str(folder / pattern) for pattern in patterns], state, records, HOST, upstream, hurried)
        shippers.append(shipper)
        shipper.start()
        return shipper

    start.folder = folder
    yield start
    for shipper in shippers:
        shipper.stop(5)
        assert not shipper._thread.is_alive()


def append(path, text):
    with open(path, "ab") as file:
        file.write(text.encode() if isinstance(text, str) else text)


def until(condition, limit_s=10):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


def copytruncate(path, copy):
    """As logrotate does it, with no line written between copy and truncation."""
    copy.write_bytes(path.read_bytes())
    os.truncate(path, 0)
