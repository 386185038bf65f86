"""Whatever is appended, rotated, cut off and killed, and in whatever order: every line is kept, and none twice."""

import itertools
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.logs.conftest import append
from tests.agent.sink import Sink
from tocsin_agent.logs.record import Records
from tocsin_agent.logs.shipper import Shipper
from tocsin_agent.relay.upstream import Address, Upstream

HEADER = "time,level,message"
ACTS = (
    "append",
    "append",
    "append",
    "half",
    "long",
    "rename",
    "copytruncate",
    "slow copytruncate",
    "recreate",
    "kill",
    "early kill",
    "late kill",
    "step",
)


class World:
    """A folder that is written and rotated, and a shipper that may be killed at any time."""

    def __init__(self, sink, folder, header):
        self.sink, self.folder, self.header = sink, folder, header
        self.path = folder / "app.log"
        self.numbers = itertools.count()
        self.written = []
        self.clock = 0.0
        self.half = ""
        self.shipper = self.start()

    def start(self):
        records = Records(host="h", dataset="app", namespace="default", service="")
        upstream = Upstream(Address(self.sink.url))
        return Shipper([f"{self.folder}/app.log*"], f"{self.folder}/state", records, "h", upstream, lambda: self.clock)

    def line(self, size=0):
        if self.header and not self.half and not (self.path.exists() and self.path.stat().st_size):
            append(self.path, HEADER + "\n")
        text = f"{self.half}line {next(self.numbers)} {'x' * size}|"
        append(self.path, text.removeprefix(self.half) + "\n")
        self.written.append(text[:65_536])
        self.half = ""

    def rotate(self):
        if self.half:
            self.line()
        for number in range(30, 0, -1):
            old = self.folder / f"app.log.{number}"
            if old.exists():
                os.rename(old, self.folder / f"app.log.{number + 1}")
        return self.folder / "app.log.1"

    def act(self, act):
        exists = self.path.exists() and self.path.stat().st_size
        if act == "append":
            self.line()
        elif act == "long":
            self.line(70_000)
        elif act == "half" and exists and not self.half:
            self.half = "half "
            append(self.path, self.half)
        elif act == "rename" and exists:
            os.rename(self.path, self.rotate())
        elif act in ("copytruncate", "slow copytruncate") and exists:
            target = self.rotate()
            data = self.path.read_bytes()
            if act == "slow copytruncate":
                append(target, data[: len(data) // 2])
                self.step()
                append(target, data[len(data) // 2 :])
                self.step()
            else:
                append(target, data)
            os.truncate(self.path, 0)
        elif act == "recreate" and exists:
            os.rename(self.path, self.rotate())
            self.line()
        elif act == "kill":
            self.kill()
        elif act == "early kill":
            self.kill_while_sending("drop")
        elif act == "late kill":
            self.kill_while_sending("keep-drop")
        elif act == "step":
            self.step()

    def kill_while_sending(self, fault):
        """The batch is lost or kept, its answer is lost, and the process dies before it can try again."""
        self.sink.faults.extend([fault] * 2)  # a kept connection is tried twice
        self.shipper._stopping.set()
        self.step()
        self.sink.faults.clear()
        self.kill()

    def step(self):
        self.clock += 2
        self.shipper.step()

    def kill(self):
        self.shipper.files.close()
        self.shipper._upstream.close()
        self.shipper = self.start()

    def finish(self):
        if self.half:
            self.line()
        for _ in range(10):
            self.step()
        self.kill()
        self.shipper.files.close()


@pytest.fixture(scope="module")
def kept():
    sink = Sink()
    yield sink
    sink.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ACTS), max_size=25), st.booleans())
def test_every_line_is_kept_once(kept, acts, header):
    kept.records.clear()
    folder = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
    try:
        world = World(kept, folder, header)
        for act in acts:
            world.act(act)
        world.finish()
        found = Counter(message for message in kept.messages() if message != HEADER)
        assert set(found) == set(world.written)
        # The one way to a double: killed between keeping and answer, rotated while down, and every file begins alike.
        if not (header and "late kill" in acts):
            assert found == Counter(world.written)
    finally:
        shutil.rmtree(folder)
