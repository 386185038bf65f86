"""`tocsin journal`: what lies on disk, from the command line."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.collector.ingest.blocks import NOW_S, block, labels, predictions
from tocsin_collector.__main__ import main
from tocsin_collector.audit import verify
from tocsin_collector.ingest.forget import Whose, forget
from tocsin_collector.ingest.intake import BLOCK_RECORD, Intake
from tocsin_collector.ingest.jsonbody import parse_ndjson
from tocsin_collector.ingest.stored import owner
from tocsin_collector.journal import Journal, open_journal
from tocsin_collector.journal.erase import Change, rewrite
from tocsin_collector.journal.records import pack
from tocsin_collector.journal.retention import Keep, Limits, Retention
from tocsin_collector.journal.segment import Name, segments
from tocsin_schema.block import Block, column, encode

PERSON = [
    predictions(["a", "person", "b"], sequence=1),
    predictions(["person"], sequence=2, model="other"),
    labels([("person", "yes", 5), ("a", "no", 6)], sequence=3),
]


def taken(folder: Path, blocks: list[Block]) -> list[tuple[int, int]]:
    """Give blocks to a collector's way in on a data folder; accepted and known of each."""
    journal = open_journal(folder / "journal", segment_bytes=512)
    intake = Intake(journal, lambda frame, position: None, clock=lambda: NOW_S)
    intake.recover()

    async def run() -> list[tuple[int, int]]:
        answers = [await intake.submit([block]) for block in blocks]
        await intake.close()
        return [(answer.accepted, answer.duplicate) for answer in answers]

    found = asyncio.run(run())
    journal.close()
    return found


def tocsin(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["journal", *arguments, "--data", str(data)])


def exported(data: Path, *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in tocsin(data, "export", *arguments).stdout.splitlines()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    taken(tmp_path, PERSON)
    return tmp_path


@pytest.fixture
def running(data: Path) -> Iterator[Journal]:
    """The journal of a collector that runs: open, with its reserve."""
    journal = open_journal(data / "journal")
    journal.commit([(7, b"of a later version")])
    yield journal
    journal.close()


@pytest.mark.parametrize("name", ["ls", "verify", "export", "forget"])
def test_each_has_help_with_an_example(name: str) -> None:
    said = CliRunner().invoke(main, ["journal", name, "--help"]).stdout
    assert f"tocsin journal {name}" in said.partition("Example:")[2]


def test_ls_tells_positions_events_and_times(data: Path, running: Journal) -> None:
    rows = [json.loads(line) for line in tocsin(data, "ls", "--json").stdout.splitlines()]
    assert [row["events"] for row in rows] == [3, 1, 2, 0]
    assert [row["state"] for row in rows] == ["sealed", "sealed", "sealed", "open"]
    assert [row["position"] for row in rows[1:]] == [row["position"] + row["bytes"] for row in rows[:-1]]
    assert rows[2]["first"] == "2026-11-18T11:06:45Z"
    assert rows[2]["last"] == "2026-11-18T11:06:46Z"
    table = tocsin(data, "ls").stdout.splitlines()
    assert table[0].split() == ["POSITION", "BYTES", "EVENTS", "FIRST", "LAST", "STATE", "UNREADABLE"]
    assert len(table) == 5


def test_verify_is_content_with_a_sound_journal_also_while_it_is_written(data: Path, running: Journal) -> None:
    found = tocsin(data, "verify", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"records": 4, "damaged": 0})


def test_verify_names_what_is_damaged_and_fails(data: Path) -> None:
    path = segments(data / "journal")[1].path
    raw = bytearray(path.read_bytes())
    raw[40] ^= 1
    path.write_bytes(raw)
    found = tocsin(data, "verify")
    assert found.exit_code == 1
    assert f"{path}: {len(raw.rstrip(bytes(1)))} bytes at 0 are damaged" in found.stdout
    assert "2 records are sound, 1 stretches are damaged" in found.stdout


def test_what_was_exported_is_known_where_it_came_from_and_new_elsewhere(data: Path, tmp_path: Path) -> None:
    lines = tocsin(data, "export").stdout.encode()
    blocks = parse_ndjson(lines, 0).blocks
    assert sum(known for _, known in taken(data, blocks)) == 6
    assert sum(new for new, _ in taken(tmp_path / "elsewhere", blocks)) == 6


def test_export_has_every_kind_of_value(tmp_path: Path) -> None:
    columns = [
        column("time", [int(NOW_S * 1e6)] * 2, "time"),
        column("id", ["a", "b"], "str"),
        column("feature.age", [41, None]),
        column("feature.risk", [0.5, float("nan")]),
        column("feature.vip", [True, False]),
        column("feature.city.name", ["Lyon", "Zürich"]),
        column("score.yes", [0.75, 0.25]),
        column("segment.country", ["fr", None]),
        column("prediction", ["yes", "no"]),
        column("latency_s", [0.004, None]),
    ]
    taken(tmp_path, [block("prediction", columns)])
    common = {
        "type": "prediction",
        "project": "shop",
        "model": "credit",
        "version": "3",
        "time": "2026-11-18T11:06:40Z",
    }
    assert exported(tmp_path) == [
        common
        | {
            "id": "a",
            "features": {"age": 41, "risk": 0.5, "vip": True, "city.name": "Lyon"},
            "scores": {"yes": 0.75},
            "segment": {"country": "fr"},
            "prediction": "yes",
            "latency_s": 0.004,
        },
        common
        | {"id": "b", "features": {"vip": False, "city.name": "Zürich"}, "scores": {"yes": 0.25}, "prediction": "no"},
    ]


def test_export_of_one_model(data: Path) -> None:
    assert [event["id"] for event in exported(data, "--model", "other", "--project", "shop")] == ["person"]
    assert exported(data, "--project", "nobody") == []


def test_forget_erases_an_id_from_every_model_and_leaves_the_others(data: Path) -> None:
    found = tocsin(data, "forget", "--id", "person", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"erased": 3, "parquet_rows": 0, "unreadable": 0})
    assert [event["id"] for event in exported(data)] == ["a", "b", "a"]
    assert tocsin(data, "verify").exit_code == 0
    assert not any(b"person" in path.read_bytes() for path in (data / "journal").iterdir())
    assert taken(data, PERSON) == [(1, 2), (1, 0), (1, 1)]  # nobody knows it any more, and the others are known


def test_what_was_erased_is_in_the_audit_log_and_who_it_was_is_not(data: Path) -> None:
    tocsin(data, "forget", "--id", "person", "--model", "other")
    (log,) = (data / "audit").glob("audit-*.log")
    begun, done = (json.loads(line.split(" ", 1)[1]) for line in log.read_text().splitlines())
    assert begun["who"] == f"uid {os.getuid()} at a terminal"
    assert (begun["what"], begun["outcome"]) == ("forget an id of project any, model other", "begun")
    assert (done["what"], done["outcome"]) == (begun["what"], "erased 1 events, 0 rows of files")
    assert "person" not in log.read_text()
    assert verify(str(data / "audit")).records == 2


def test_nothing_is_erased_that_the_audit_log_cannot_tell(data: Path) -> None:
    (data / "audit").write_text("")
    found = tocsin(data, "forget", "--id", "person")
    assert (found.exit_code, found.stdout) == (1, "")
    (data / "audit").unlink()
    assert json.loads(tocsin(data, "forget", "--id", "person", "--json").stdout)["erased"] > 0


def test_forget_in_one_model_only(data: Path) -> None:
    assert json.loads(tocsin(data, "forget", "--id", "person", "--model", "other", "--json").stdout) == {
        "erased": 1,
        "parquet_rows": 0,
        "unreadable": 0,
    }
    assert [event["id"] for event in exported(data)] == ["a", "person", "b", "person", "a"]


def test_forget_says_that_what_nobody_can_read_stays(data: Path) -> None:
    first, _, last, *_ = segments(data / "journal")
    first.path.chmod(0o600)
    raw = bytearray(first.path.read_bytes())
    raw[100] ^= 1
    first.path.write_bytes(raw)
    first.path.chmod(0o400)
    other = encode(predictions(["person"])).replace(b'"v":1', b'"v":2', 1)
    (data / "journal" / f"{last.base + 4096:020}-00112233aabbccdd.journal").write_bytes(
        b"".join(pack(bytes.fromhex("00112233aabbccdd"), BLOCK_RECORD, other))
    )
    found = tocsin(data, "forget", "--id", "person", "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (1, {"erased": 2, "parquet_rows": 0, "unreadable": 2})
    assert "2 stretches of the journal cannot be read and stay" in found.stderr
    listed = [json.loads(line) for line in tocsin(data, "ls", "--json").stdout.splitlines()]
    assert [(row["events"], row["unreadable"]) for row in listed] == [(0, 1), (0, 0), (1, 0), (0, 1)]


def test_a_forget_that_is_killed_leaves_no_snapshot_that_knows_more(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (data / "journal" / "snapshot").exists()

    def killed(name: Name, change: Change) -> int:
        rewrite(name, change)
        raise KeyboardInterrupt

    monkeypatch.setattr("tocsin_collector.ingest.forget.rewrite", killed)
    with pytest.raises(KeyboardInterrupt):
        forget(data / "journal", Whose("person"))
    assert not (data / "journal" / "snapshot").exists()


@pytest.mark.parametrize("name", ["ls", "verify", "export"])
def test_a_segment_that_cannot_be_read_is_said_in_a_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "journal" / "00000000000000000000-00112233aabbccdd.journal").mkdir(parents=True)
    found = tocsin(tmp_path, name)
    assert found.exit_code == 1
    assert found.stderr.endswith("-00112233aabbccdd.journal: cannot be read: Is a directory\n")
    assert isinstance(found.exception, SystemExit)


def test_forget_takes_the_texts_of_dictionaries_along(tmp_path: Path) -> None:
    columns = [
        column("time", [int(NOW_S * 1e6)] * 4, "time"),
        column("id", ["a", "person", "b", "c"], "dict"),
        column("feature.street", ["High St", "Secret Lane", "High St", "High St"], "dict"),
        column("prediction", ["yes"] * 4, "dict"),
    ]
    taken(tmp_path, [block("prediction", columns)])
    assert "1 events of 'person' are erased" in tocsin(tmp_path, "forget", "--id", "person").stdout
    raw = segments(tmp_path / "journal")[0].path.read_bytes()
    assert b"Secret" not in raw
    assert b"High St" in raw
    assert [event["id"] for event in exported(tmp_path)] == ["a", "b", "c"]


def test_forget_needs_the_collector_to_be_stopped(data: Path, running: Journal) -> None:
    found = tocsin(data, "forget", "--id", "person")
    assert found.exit_code == 1
    assert f"in use by process {os.getpid()}" in found.stderr


def test_a_folder_without_a_journal_is_said(tmp_path: Path) -> None:
    found = tocsin(tmp_path, "ls")
    assert found.exit_code == 1
    assert f"{tmp_path}/journal: no journal; name the collector's data folder with --data" in found.stderr


def test_what_a_project_let_go_of_is_gone_and_the_commands_and_a_start_go_on(data: Path) -> None:
    """One segment with events of two projects: one of them goes."""
    other = predictions(["x"], sequence=9)
    other.project = "bank"
    mixed = data / "mixed"
    journal = open_journal(mixed / "journal")
    for sent in (*PERSON, other):
        journal.commit([(BLOCK_RECORD, encode(sent))])
    journal.close()
    taken(mixed, [predictions(["newest"], sequence=10)])
    retention = Retention(mixed / "journal", Limits(0, 0, 0, {"shop": Keep(0, 1)}), owner)
    list(retention.look(1 << 60))
    assert [event["id"] for event in exported(mixed)] == ["x", "newest"]
    assert tocsin(mixed, "verify").exit_code == 0
    assert [json.loads(line)["events"] for line in tocsin(mixed, "ls", "--json").stdout.splitlines()] == [1, 1]
    (mixed / "journal" / "snapshot").unlink()
    assert taken(mixed, [other, *PERSON]) == [(0, 1), (3, 0), (1, 0), (2, 0)]


@pytest.mark.parametrize(
    ("payload", "project"),
    [
        (encode(PERSON[0]), "shop"),
        (b"", ""),
        (b"\xff" * 90, ""),
        ((2).to_bytes(8, "little") + b"[]", ""),
        ((2).to_bytes(8, "little") + b"{}", "default"),
    ],
)
def test_whose_a_record_is_stands_in_its_header(payload: bytes, project: str) -> None:
    assert owner(BLOCK_RECORD, payload) == project
    assert owner(7, payload) == ""


def test_an_export_of_nothing_says_so(data: Path, running: Journal) -> None:
    found = tocsin(data, "export", "--model", "nobody")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "model 'nobody' is in the journal" in found.stderr
