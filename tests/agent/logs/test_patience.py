"""What takes half a minute, with a clock that the test moves."""

import os

import pytest

from tests.agent.logs.conftest import append
from tocsin_agent.logs.record import Records
from tocsin_agent.logs.shipper import Shipper
from tocsin_agent.logs.tailed import FINISH_S
from tocsin_agent.relay.upstream import Address, Upstream


class Stepped:
    """A shipper without a thread."""

    def __init__(self, sink, folder):
        self.clock = 0.0
        records = Records(host="h", dataset="app", namespace="default", service="")
        self.upstream = Upstream(Address(sink.url))
        self.shipper = Shipper([f"{folder}/*.log"], f"{folder}/state", records, "h", self.upstream, lambda: self.clock)

    def step(self, seconds):
        self.clock += seconds
        return self.shipper.step()


@pytest.fixture
def stepped(sink, tmp_path):
    made = Stepped(sink, tmp_path)
    yield made
    made.shipper.files.close()
    made.upstream.close()


def test_a_half_line_is_sent_once_it_has_waited_long_enough(stepped, sink, tmp_path):
    append(tmp_path / "app.log", "whole\nhalf")
    stepped.step(1)
    stepped.step(1)
    assert sink.messages() == ["whole"]
    stepped.step(FINISH_S - 2)
    assert sink.messages() == ["whole"]
    stepped.step(3)
    assert sink.messages() == ["whole", "half"]
    append(tmp_path / "app.log", " rest\n")
    stepped.step(1)
    assert sink.messages() == ["whole", "half", " rest"]
    stepped.step(60)
    assert (len(sink.records), sink.duplicates) == (3, 0)


def test_a_half_line_that_grows_waits_anew(stepped, sink, tmp_path):
    append(tmp_path / "app.log", "first\n.")
    stepped.step(1)
    for _ in range(5):
        append(tmp_path / "app.log", ".")
        stepped.step(FINISH_S - 1)
        stepped.step(0.1)
    assert sink.messages() == ["first"]


def test_a_file_that_was_rotated_away_is_closed_after_a_while_and_known_when_it_returns(stepped, sink, tmp_path):
    path = tmp_path / "app.log"
    append(path, "one\n")
    stepped.step(1)
    os.rename(path, tmp_path / "elsewhere")
    stepped.step(2)
    assert len(stepped.shipper.files.open) == 1
    stepped.step(61)
    assert len(stepped.shipper.files.open) == 0
    append(tmp_path / "elsewhere", "two\n")
    os.rename(tmp_path / "elsewhere", path)
    stepped.step(2)
    assert sink.messages() == ["one", "two"]
    assert sink.duplicates == 0


def test_a_fault_while_reading_is_made_good_by_reading_again(stepped, sink, tmp_path):
    append(tmp_path / "app.log", "one\n")
    stepped.step(1)
    append(tmp_path / "app.log", "two\n")
    (file,) = stepped.shipper.files.open.values()
    assert [line.data for line in file.read(1000, 10, 1.0)] == [b"two"]
    file.rewind()
    stepped.step(1)
    assert sink.messages() == ["one", "two"]
