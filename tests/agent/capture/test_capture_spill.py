"""Blocks that wait on disk: what a process could not send another one sends, under the numbers that the blocks had."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.capture.conftest import Sink
from tocsin_agent.capture.counts import Counts
from tocsin_agent.capture.outbox import FIRST_WAIT_S, Outbox, _spread
from tocsin_agent.capture.spill import MAX_BYTES, Spill

ENDED = """
import sys
from tocsin_agent.capture import Capture
capture = Capture(model="credit", version="3", project="shop", endpoint=sys.argv[1])
for number in range(300):
    capture.prediction(id=f"id{number}", features={"age": number}, prediction="yes")
capture.close(timeout_s=0.3)
"""


@pytest.fixture
def spilling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "spill"
    monkeypatch.setenv("TOCSIN_SPILL_DIR", str(folder))
    return folder


def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def outbox(endpoint: str) -> tuple[Outbox, Counts]:
    counts = Counts()
    return Outbox(endpoint, counts, lambda *_, **__: None), counts


def test_what_a_process_could_not_send_the_next_one_sends(spilling: Path, capture, sink: Sink) -> None:
    subprocess.run([sys.executable, "-c", ENDED, nowhere()], check=True, timeout=60)
    (dead,) = spilling.iterdir()
    here = capture
    here.prediction(id="own", prediction="no")
    assert here.flush(20)
    assert sorted(sink.rows()) == sorted([*(f"id{number}" for number in range(300)), "own"])
    assert {producer for producer, _ in sink.blocks} == {dead.name, here._worker._outbox.producer}
    assert list(spilling.iterdir()) == []


def test_a_block_whose_answer_was_lost_is_sent_again_under_its_number(spilling: Path, capture, sink: Sink) -> None:
    subprocess.run([sys.executable, "-c", ENDED, nowhere()], check=True, timeout=60)
    sink.script = ["lost", "reset", 503]
    here = capture
    here.prediction(id="own", prediction="no")
    assert here.flush(20)
    assert len(sink.posts) > len(sink.blocks)
    assert len(sink.rows()) == 301


def test_a_block_on_its_way_to_an_endpoint_that_never_answers_is_spilled_too(spilling: Path, capture, sink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        subprocess.run([sys.executable, "-c", ENDED, address], check=True, timeout=60)
    capture.prediction(id="own", prediction="no")
    assert capture.flush(20)
    assert len(set(sink.rows())) == 301


def test_a_killed_process_leaves_what_was_on_disk(tmp_path: Path) -> None:
    program = (
        "import os, sys; from tocsin_agent.capture.spill import Spill\n"
        "assert Spill(sys.argv[1], 'a' * 32).put(b'x', 1); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60).returncode == -9
    spill = Spill(str(tmp_path), "b" * 32)
    assert (spill.oldest() or ("", b"", 0))[1:] == (b"x", 1)
    spill.close()


def test_the_blocks_of_a_living_process_are_its_own(tmp_path: Path) -> None:
    first, second = Spill(str(tmp_path), "a" * 32), Spill(str(tmp_path), "b" * 32)
    assert first.put(b"one", 1)
    assert first.put(b"two", 2)
    assert second.oldest() is None
    first.close()
    found = second.oldest()
    assert found is not None
    assert found[1:] == (b"one", 1)
    second.settled(found[0], 3)
    path, body, rows = second.oldest() or ("", b"", 0)
    assert (body, rows) == (b"two", 2)
    second.settled(path, 3)
    assert second.oldest() is None
    assert os.listdir(tmp_path) == []
    second.close()


def test_without_room_or_folder_a_block_is_dropped_as_before(tmp_path: Path) -> None:
    full = Spill(str(tmp_path), "a" * 32)
    full._bytes = MAX_BYTES
    assert not full.put(b"x", 1)
    (tmp_path / "file").touch()
    assert not Spill(str(tmp_path / "file"), "a" * 32).put(b"x", 1)
    assert Spill(str(tmp_path / "absent"), "a" * 32).oldest() is None


FULL = """
import resource, sys
from tocsin_agent.capture.spill import Spill
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # a write beyond fails half-way, as on a full disk
spill = Spill(sys.argv[1], "a" * 32)
assert spill.put(bytes(100), 1)
assert not spill.put(bytes(101), 1)
assert spill.put(bytes(99), 1)
"""


def test_a_full_disk_keeps_nothing_of_a_block_that_it_cannot_take_whole(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], check=True, timeout=60)
    assert sorted(path.stat().st_size for path in (tmp_path / ("a" * 32)).glob("*-*")) == [99, 100]


def test_many_blocks_are_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, spill = Spill(str(tmp_path), "a" * 32), Spill(str(tmp_path), "b" * 32)
    for _ in range(50):
        assert dead.put(b"x", 1)
    dead.close()
    assert spill.put(b"own", 1)
    looks, listed = [], os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: looks.append(path) or listed(path))
    found = []
    while (block := spill.oldest()) is not None:
        found.append(block[1])
        spill.settled(block[0], len(block[1]))
    assert found == [b"own", *[b"x"] * 50]
    assert len(looks) < 10
    assert listed(tmp_path) == []
    spill.close()


def test_what_is_no_block_does_not_stop_those_behind_it(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 32)
    folder.mkdir()
    (folder / "000000000000-x.block").write_bytes(b"?")
    (folder / "000000000001-7.block").write_bytes(b"good")
    (folder / "000000000002-7.block.part").write_bytes(b"torn")
    (tmp_path / "a file").touch()
    spill = Spill(str(tmp_path), "b" * 32)
    path, body, rows = spill.oldest() or ("", b"", 0)
    assert (body, rows) == (b"good", 7)
    spill.settled(path, 4)
    assert spill.oldest() is None
    assert not folder.exists()
    spill.close()


def test_memory_overflows_to_disk_and_nothing_is_lost(spilling: Path) -> None:
    made, counts = outbox(nowhere())
    for _ in range(5):
        made.put(bytes(8 << 20), 10)
    assert counts.get("blocks_sent", "spilled") == 1
    made.stop(1)
    assert counts.get("blocks_sent", "spilled") == 5
    assert counts.get("rows_dropped", "pending") == counts.get("rows_dropped", "closed") == 0
    (folder,) = spilling.iterdir()
    assert len(list(folder.glob("*.block"))) == 5


def test_waits_are_spread(spilling: Path) -> None:
    waits = {_spread(FIRST_WAIT_S) for _ in range(100)}
    assert len(waits) > 20
    assert min(waits) >= FIRST_WAIT_S
    assert max(waits) <= FIRST_WAIT_S * 1.5
