"""Every kind of segment files keeps what was committed, whatever happens to the files or their writer."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.ingest.blocks import labels, predictions
from tocsin_collector.__main__ import main
from tocsin_collector.ingest.intake import BLOCK_RECORD
from tocsin_collector.journal import Journal, open_journal
from tocsin_collector.journal.erase import GONE, rewrite
from tocsin_collector.journal.records import VOID
from tocsin_collector.journal.segment import segments
from tocsin_collector.journal.stores import STORES
from tocsin_schema.block import encode

PAYLOADS = [bytes([n]) * (n * 37 % 900) for n in range(60)]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def opened(folder: Path, store: str, segment_bytes: int = 4096) -> Journal:
    return open_journal(folder, segment_bytes=segment_bytes, store=store)


def written(folder: Path, store: str, payloads: list[bytes]) -> list[int]:
    journal = opened(folder, store)
    positions = [position for payload in payloads for position in journal.commit([(1, payload)])]
    journal.close()
    return positions


def replayed(folder: Path, store: str) -> list[tuple[int, int, bytes]]:
    journal = opened(folder, store)
    found = list(journal.replay())
    journal.close()
    return found


def test_what_was_committed_is_replayed_at_the_same_positions_whatever_the_kind(tmp_path: Path) -> None:
    found = {}
    for store in STORES:
        positions = written(tmp_path / store, store, PAYLOADS)
        found[store] = replayed(tmp_path / store, store)
        assert found[store] == [(at, 1, payload) for at, payload in zip(positions, PAYLOADS, strict=True)]
        assert len(segments(tmp_path / store)) > 1
    assert found["segments"] == found["sqlite"]


def test_a_folder_with_both_kinds_goes_on(tmp_path: Path) -> None:
    for number, store in enumerate(["segments", "sqlite", "segments", "sqlite"]):
        written(tmp_path, store, PAYLOADS[number * 10 : number * 10 + 10])
    assert [payload for _, _, payload in replayed(tmp_path, "segments")] == PAYLOADS[:40]
    assert {name.path.suffix for name in segments(tmp_path)} == {".journal", ".sqlite"}


def test_types_empty_payloads_and_large_ones_come_back(tmp_path: Path, store: str) -> None:
    journal = opened(tmp_path, store)
    journal.commit([(7, b""), (1 << 40, b"x")])
    journal.commit([(1, b"y" * 100_000)])
    assert [item[1:] for item in journal.replay()] == [(7, b""), (1 << 40, b"x"), (1, b"y" * 100_000)]
    journal.close()


def test_nothing_written_leaves_no_file(tmp_path: Path, store: str) -> None:
    assert replayed(tmp_path, store) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"lock", "reserve"}


def test_a_sealed_segment_leaves_no_file_beside_it(tmp_path: Path, store: str) -> None:
    written(tmp_path, store, PAYLOADS)
    assert {path.suffix for path in tmp_path.iterdir()} - {""} == {segments(tmp_path)[0].path.suffix}


def test_a_segment_whose_writer_died_before_it_wrote_is_nothing(tmp_path: Path, store: str) -> None:
    written(tmp_path, store, PAYLOADS[:3])
    empty = tmp_path / f"{999:020}-{1:016x}{segments(tmp_path)[0].path.suffix}"
    empty.touch(0o600)
    assert [payload for _, _, payload in replayed(tmp_path, store)] == PAYLOADS[:3]
    assert not empty.exists()


def test_replay_from_and_to_a_position(tmp_path: Path, store: str) -> None:
    positions = written(tmp_path, store, PAYLOADS)
    journal = opened(tmp_path, store)
    found = [position for position, _, _ in journal.replay(positions[9], positions[40])]
    assert found == positions[9:40]
    journal.close()


_WRITER = """
import sys
from tocsin_collector.journal import open_journal
journal = open_journal(sys.argv[1], segment_bytes=20_000, store=sys.argv[2])
number = sum(1 for _ in journal.replay())
while True:
    journal.commit([(1, b"%d" % (number + n) + b"." * 700) for n in range(3)])
    number += 3
    print(number, flush=True)
"""


@pytest.mark.timeout(120)
def test_kill_9_loses_nothing_that_was_told(tmp_path: Path, store: str) -> None:
    """And of what was not told, a commit is there as a whole or not at all."""
    told = 0
    for kill in range(6):
        command = [sys.executable, "-c", _WRITER, str(tmp_path), store]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(7 * kill + 1):
                told = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split()
            told = int(rest[-1]) if rest else told
        found = [int(payload.rstrip(b".")) for _, _, payload in replayed(tmp_path, store)]
        assert found == list(range(len(found)))
        assert told <= len(found) <= told + 3
        assert len(found) % 3 == 0


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[int]]]:
    """A folder of each store with PAYLOADS, and their positions."""
    folders = {store: tmp_path_factory.mktemp("sound") for store in STORES}
    return {store: (folder, written(folder, store, PAYLOADS)) for store, folder in folders.items()}


@given(st.data())
def test_damage_anywhere_yields_only_records_that_were_written(
    tmp_path_factory: pytest.TempPathFactory, sound: dict[str, tuple[Path, list[int]]], data: st.DataObject
) -> None:
    store = data.draw(st.sampled_from(list(STORES)))
    before, positions = sound[store]
    folder = tmp_path_factory.mktemp("damaged")
    shutil.copytree(before, folder, dirs_exist_ok=True)
    whole = {(at, 1, payload) for at, payload in zip(positions, PAYLOADS, strict=True)}
    path = data.draw(st.sampled_from(segments(folder))).path
    raw = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] ^= data.draw(st.integers(1, 255))
    path.chmod(0o600)
    path.write_bytes(raw)
    path.chmod(0o400)
    journal = opened(folder, store)
    found = list(journal.replay())
    assert set(found) <= whole
    assert found == sorted(found)
    (fresh,) = journal.commit([(1, b"after")])
    assert (fresh, 1, b"after") in list(journal.replay())
    journal.close()


def test_what_is_erased_is_not_in_the_file_any_more(tmp_path: Path, store: str) -> None:
    positions = written(tmp_path, store, [b"kept" * 20, b"secret" * 20, b"secret!" * 20, b"shortened" * 20])
    (name,) = segments(tmp_path)

    def change(kind: int, payload: bytes) -> tuple[int, bytes] | None:
        if payload.startswith(b"shortened"):
            return kind, b"short"
        return GONE if payload.startswith(b"secret") else None

    assert rewrite(name, change) == 3
    raw = name.path.read_bytes()
    assert b"secret" not in raw
    assert b"shortened" not in raw
    found = replayed(tmp_path, store)
    assert [(at, kind) for at, kind, _ in found] == [(positions[0], 1), (positions[1], VOID), (positions[3], 1)]
    assert found[2][2].rstrip(b"\0") == b"short"
    journal = opened(tmp_path, store)
    assert journal.end == positions[3] + 24 + 184
    journal.close()


def test_the_commands_read_what_a_collector_writes_and_forget_erases(tmp_path: Path, store: str) -> None:
    def said(*arguments: str) -> list[str]:
        done = CliRunner().invoke(main, ["journal", *arguments, "--data", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()

    journal = opened(tmp_path / "journal", store)
    for one in (predictions(["a", "person"]), labels([("person", "yes", 5)], sequence=2)):
        journal.commit([(BLOCK_RECORD, encode(one))])
    assert [json.loads(line)["events"] for line in said("ls", "--json")] == [3]
    assert json.loads(said("verify", "--json")[0]) == {"records": 2, "damaged": 0}
    assert [json.loads(line)["id"] for line in said("export")] == ["a", "person", "person"]
    journal.close()
    assert json.loads(said("forget", "--id", "person", "--json")[0])["erased"] == 2
    assert [json.loads(line)["id"] for line in said("export")] == ["a"]
    assert not any(b"person" in path.read_bytes() for path in (tmp_path / "journal").iterdir())


def test_verify_names_a_damaged_record_of_any_kind(tmp_path: Path, store: str) -> None:
    written(tmp_path / "journal", store, [b"first" * 9, b"second" * 9, b"third" * 9])
    (name,) = segments(tmp_path / "journal")
    name.path.write_bytes(name.path.read_bytes().replace(b"second", b"sECOND"))
    done = CliRunner().invoke(main, ["journal", "verify", "--data", str(tmp_path), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout.splitlines()[-1]) == {"records": 2, "damaged": 1}
    assert [payload[:5] for _, _, payload in replayed(tmp_path / "journal", store)] == [b"first", b"third"]
