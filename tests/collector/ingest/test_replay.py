"""`tocsin journal replay`: a journal's events in another collector, once however often they are sent."""

import json
import os
import pty
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.collector.ingest.blocks import NOW_S, labels, predictions
from tests.collector.ingest.served import Collector
from tests.collector.test_journal_command import exported, taken
from tests.servers.process import free_port
from tests.system.beside import collector as running_collector
from tocsin_collector.__main__ import main
from tocsin_collector.ingest.replay import ReplayError, Sender
from tocsin_collector.ingest.stored import stored
from tocsin_collector.ingest.times import text
from tocsin_collector.journal.segment import segments
from tocsin_schema.block import encode

SENT = [
    predictions(["a", "b", "c"], sequence=1),
    predictions(["d"], sequence=2, model="other"),
    labels([("a", "yes", 5), ("b", "no", 6)], sequence=3),
    labels([("a", "no", 7)], sequence=4),  # a correction
    predictions(["late1", "late2"], sequence=5, at=400),
]
COUNT = 9


@pytest.fixture
def data(tmp_path: Path) -> Path:
    taken(tmp_path / "source", SENT)
    return tmp_path / "source"


def replay(data: Path, port: int, *arguments: str) -> Result:
    where = ["--data", str(data), "--collector", f"http://127.0.0.1:{port}"]
    return CliRunner().invoke(main, ["journal", "replay", *where, *arguments])


def outcome(data: Path, port: int, *arguments: str) -> tuple[int, int, dict[str, int]]:
    found = json.loads(replay(data, port, "--json", *arguments).stdout)
    return found["accepted"], found["duplicate"], found["rejected"]


def test_it_has_help_with_an_example() -> None:
    said = CliRunner().invoke(main, ["journal", "replay", "--help"]).stdout
    assert "tocsin journal replay" in said.partition("Example:")[2]


def test_an_empty_collector_has_all_of_it_and_a_second_replay_counts_nothing(data: Path, collector: Collector) -> None:
    assert outcome(data, collector.port) == (COUNT, 0, {})
    assert outcome(data, collector.port) == (0, COUNT, {})
    first = [block.payload for block in stored(data / "journal")]
    assert first == [block.payload for block in stored(collector.journal.folder)]


def test_it_says_what_it_did(data: Path, collector: Collector) -> None:
    found = replay(data, collector.port)
    assert (found.exit_code, found.output) == (0, f"{COUNT} events are new there, 0 were known\n")


def test_one_model_or_a_span_of_time_only(data: Path, collector: Collector) -> None:
    assert outcome(data, collector.port, "--model", "other", "--project", "shop") == (1, 0, {})
    assert outcome(data, collector.port, "--project", "nobody") == (0, 0, {})
    assert outcome(
        data, collector.port, "--from", text(int((NOW_S + 6) * 1e6)), "--to", text(int((NOW_S + 7) * 1e6))
    ) == (1, 0, {})
    assert outcome(data, collector.port, "--from", text(int((NOW_S + 100) * 1e6))) == (2, 0, {})


def test_a_part_first_and_the_rest_later_is_the_whole(tmp_path: Path, collector: Collector) -> None:
    """The number of a block that went in part would make its corrections look known."""
    data = tmp_path / "source"
    taken(data, [labels([("a", "yes", 5)], sequence=1), labels([("b", "no", 6), ("a", "no", 50)], sequence=2)])
    noon = text(int((NOW_S + 10) * 1e6))
    assert outcome(data, collector.port, "--to", noon) == (2, 0, {})
    assert outcome(data, collector.port, "--from", noon) == (1, 0, {})
    assert outcome(data, collector.port) == (0, 3, {})


def test_a_folder_of_segments_is_enough(data: Path, tmp_path: Path, collector: Collector) -> None:
    (data / "journal").rename(tmp_path / "backup")
    assert outcome(tmp_path / "backup", collector.port) == (COUNT, 0, {})


def test_what_is_refused_is_told_by_its_code_and_the_rest_is_there(data: Path, collector: Collector) -> None:
    collector.post_block(predictions(["d"], sequence=9, model="other", age=50.0, producer="f" * 32))
    found = replay(data, collector.port)
    assert (found.exit_code, found.output) == (
        1,
        f"{COUNT - 1} events are new there, 0 were known, 1 refused: conflict\n",
    )


def test_nobody_there_is_said_with_what_to_do(data: Path) -> None:
    sender = Sender(f"http://127.0.0.1:{free_port()}", {"headers": {}, "verify": True}, sleep=lambda _: None)
    with pytest.raises(ReplayError, match="no collector answers at 127"):
        sender(encode(SENT[0]))


def test_a_collector_without_room_is_waited_for(collector: Collector) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    sender = Sender(f"http://127.0.0.1:{collector.port}", {"headers": {}, "verify": True}, sleep=sleep)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))  # the kernel answers EFBIG beyond it
    try:
        assert sender(encode(SENT[0]))["accepted"] == 3
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert waits == [5.0]  # as its Retry-After says


def test_bytes_that_are_damaged_are_told_and_the_rest_is_sent(data: Path, collector: Collector) -> None:
    path = segments(data / "journal")[0].path
    raw = bytearray(path.read_bytes())
    raw[40] ^= 1
    path.write_bytes(raw)
    assert outcome(data, collector.port)[0] < COUNT


@pytest.mark.parametrize("option", ["--from", "--to"])
def test_a_time_that_is_none_is_a_usage_error(data: Path, option: str) -> None:
    found = replay(data, 1, option, "yesterday")
    assert (found.exit_code, f"{option} 'yesterday': RFC 3339 is needed" in found.output) == (2, True)


def test_another_server_than_a_collector_is_named(data: Path, collector: Collector) -> None:
    found = CliRunner().invoke(
        main, ["journal", "replay", "--data", str(data), "--collector", f"http://127.0.0.1:{collector.port}/nowhere"]
    )
    assert (found.exit_code, "the collector answers 404" in found.output) == (1, True)


@pytest.mark.system
def test_a_running_collector_is_rebuilt_and_a_terminal_sees_how_far_it_is(data: Path, tmp_path: Path) -> None:
    with running_collector(tmp_path / "target", free_port()) as target:
        command = [sys.executable, "-m", "tocsin_collector", "journal", "replay", "--data", str(data), "--collector"]
        shown, terminal = pty.openpty()
        first = subprocess.run([*command, target.url], stdout=subprocess.PIPE, stderr=terminal, text=True, check=True)
        second = subprocess.run([*command, target.url, "--json"], capture_output=True, text=True, check=True)
        os.close(terminal)
        assert b"100%" in os.read(shown, 1 << 16)
        os.close(shown)
        metrics = target.get("/metrics")
    assert first.stdout == f"{COUNT} events are new there, 0 were known\n"
    assert (json.loads(second.stdout)["duplicate"], second.stderr) == (COUNT, "")
    assert 'tocsin_events_accepted_total{type="prediction"} 6\n' in metrics
    assert 'tocsin_predictions_total{project="shop",model="credit",version="3"} 5\n' in metrics
    assert exported(tmp_path / "target" / "data") == exported(data)
