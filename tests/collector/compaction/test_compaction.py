"""Sealed segments become Parquet files that others read, whole whatever happens to the writer."""

import json
import subprocess
import sys
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pyarrow.parquet
import pytest

from tests.collector.ingest.blocks import NOW_S, block, labels, predictions
from tests.collector.test_journal_command import exported, tocsin
from tests.servers.process import free_port, until
from tests.system.beside import collector as running_collector
from tocsin_collector.compaction.compaction import Compaction
from tocsin_collector.compaction.erase import erase
from tocsin_collector.compaction.folder import Folder, escaped
from tocsin_collector.ingest.intake import BLOCK_RECORD
from tocsin_collector.ingest.rows import events
from tocsin_collector.ingest.stored import stored
from tocsin_collector.journal import open_journal
from tocsin_collector.journal.retention import Limits, Retention
from tocsin_collector.journal.segment import segments
from tocsin_schema.block import Block, column, encode

SENT = [
    predictions(["a", "person", "b"], sequence=1),
    predictions(["late"], sequence=2, at=-7200),
    predictions(["person"], sequence=3, model="a/b = ü"),
    labels([("person", "yes", 5), ("a", "no", 6)], sequence=4),
    predictions(["c"], sequence=5, age=3.0),
]
COUNT = 8


def written(data: Path, blocks: list[Block] = SENT) -> None:
    """A journal of the blocks in small segments, all of them sealed."""
    journal = open_journal(data / "journal", segment_bytes=1024)
    for one in blocks:
        journal.commit([(BLOCK_RECORD, encode(one))])
    journal.close()


def opened(data: Path, **how: Any) -> tuple[Compaction, Folder]:
    folder = Folder(data / "parquet")
    return Compaction(data / "journal", folder, **how), folder


def read(data: Path) -> list[dict[str, Any]]:
    """All rows, as a reader sees them that is only told the folder."""
    found = pyarrow.dataset.dataset(data / "parquet", partitioning="hive", format="parquet")
    names = {name for path in found.files for name in pyarrow.parquet.read_schema(path).names}
    rows: list[dict[str, Any]] = []
    for fragment in found.get_fragments():
        keys = pyarrow.dataset.get_partition_keys(fragment.partition_expression)
        physical = fragment.physical_schema
        rows += [keys | row for row in fragment.to_table(schema=physical).to_pylist()]
    assert {"time", "id", "version"} <= names
    return rows


def ids(data: Path) -> Counter[tuple[str, str, str]]:
    return Counter((row["model"], row["type"], row["id"]) for row in read(data))


def journalled(data: Path) -> Counter[tuple[str, str, str]]:
    return Counter((str(event["model"]), str(event["type"]), str(event["id"])) for event in exported(data))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    written(tmp_path)
    return tmp_path


def test_every_event_is_a_row_by_project_model_type_and_hour(data: Path) -> None:
    compaction, folder = opened(data)
    assert len(segments(data / "journal")) > 2
    list(compaction.look())
    assert ids(data) == journalled(data)
    assert sum(ids(data).values()) == COUNT
    (row,) = [row for row in read(data) if row["id"] == "c"]
    assert row["time"].isoformat() == "2026-11-18T11:06:40+00:00"
    assert {key: row[key] for key in ("project", "hour", "version", "feature.age", "prediction")} == {
        "project": "shop",
        "hour": "2026-11-18T11",
        "version": "3",
        "feature.age": 3.0,
        "prediction": "yes",
    }
    assert {row["hour"] for row in read(data) if row["id"] == "late"} == {"2026-11-18T09"}
    assert {sample.name: sample.value for sample in compaction.samples()}["tocsin_parquet_rows_total"] == COUNT
    assert folder.done() == [name.path.stem for name in segments(data / "journal")]
    assert not any(path.stat().st_mode & 0o007 for path in folder.files())


def test_a_second_look_does_nothing_and_a_new_segment_comes_to_the_others(data: Path) -> None:
    list(opened(data)[0].look())
    before = {path: path.stat().st_mtime_ns for path in Folder(data / "parquet").files()}
    list(opened(data)[0].look())
    assert {path: path.stat().st_mtime_ns for path in Folder(data / "parquet").files()} == before
    written(data, [predictions(["new"], sequence=9)])
    list(opened(data)[0].look())
    assert ids(data) == journalled(data)


def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    journal.commit([(BLOCK_RECORD, encode(SENT[0]))])
    compaction, folder = opened(tmp_path)
    list(compaction.look())
    assert (list(folder.files()), compaction.until) == ([], 0)
    journal.close()


def test_a_feature_that_changes_its_type_or_comes_and_goes_loses_no_value(tmp_path: Path) -> None:
    times = column("time", [int(NOW_S * 1e6)], "time")
    values: list[object] = [41, 41.5, "forty", None, True]
    blocks = [
        block("prediction", [times, column("id", [f"{n}"], "str"), column("feature.x", [value])], sequence=n)
        for n, value in enumerate(values)
        if value is not None
    ]
    blocks.append(block("prediction", [times, column("id", ["3"], "str")], sequence=3))
    journal = open_journal(tmp_path / "journal")
    journal.commit([(BLOCK_RECORD, encode(one)) for one in blocks])
    journal.close()
    list(opened(tmp_path)[0].look())
    found = {row["id"]: row.get("feature.x") for row in read(tmp_path)}
    assert [(found[str(n)], type(found[str(n)])) for n in range(5)] == [(value, type(value)) for value in values]
    assert len(list(Folder(tmp_path / "parquet").files())) == 4


@pytest.mark.parametrize("name", ["..", "a/b", "x" * 256, "ü" * 256, "a=b", "%2F", "_hidden"])
def test_any_name_is_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    written(tmp_path, [predictions(["1"], model=name), predictions(["2"], model=name[:-1] + "y")])
    _, folder = opened(tmp_path)
    list(Compaction(tmp_path / "journal", folder).look())
    (path,) = folder.files("shop", name)
    assert path.parents[4] == tmp_path / "parquet"
    assert pyarrow.parquet.ParquetFile(path).read(columns=["id"])["id"].to_pylist() == ["1"]
    assert len(escaped(name).encode()) < 250


def test_a_segment_that_fails_holds_up_no_other_and_is_tried_again(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = data / "parquet" / "project=shop" / f"model={escaped('a/b = ü')}"
    blocked.parent.mkdir(parents=True)
    blocked.write_bytes(b"in the way")
    compaction, folder = opened(data)
    list(compaction.look())
    counted = {sample.name: sample.value for sample in compaction.samples()}
    assert counted["tocsin_parquet_errors_total"] == 1
    failed = [name for name in segments(data / "journal") if not folder.has(name.path.stem)]
    assert [name.base for name in failed] == [compaction.until]
    assert counted["tocsin_parquet_waiting_bytes"] == failed[0].path.stat().st_size
    assert "compaction_failed" in caplog.text
    blocked.unlink()
    list(compaction.look())
    assert ids(data) == journalled(data)
    assert {sample.name: sample.value for sample in compaction.samples()}["tocsin_parquet_waiting_bytes"] == 0


_DEADLY = """
import os, shutil, sys
from pathlib import Path
import pyarrow.parquet
from tocsin_collector.compaction.compaction import Compaction
from tocsin_collector.compaction.folder import Folder

def deadly(call):
    def counting(*arguments, **named):
        global calls
        calls -= 1
        if calls < 0:
            os._exit(9)
        return call(*arguments, **named)
    return counting

def die_after(data):
    for name in ("fsync", "replace", "unlink", "mkdir"):
        setattr(os, name, deadly(getattr(os, name)))
    list(Compaction(data / "journal", Folder(data / "parquet")).look())
    os._exit(0)

status = None
for number in range(200):
    calls, data = number, Path(sys.argv[1], str(number))
    shutil.copytree(Path(sys.argv[1], "data"), data)
    process = os.fork()
    if not process:
        die_after(data)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status != 9:
        break
print(number, status)
"""


def test_killed_at_any_moment_a_segment_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """Each of its syncs, renames and removals is once the one that it does not come to."""
    journal = open_journal(tmp_path / "data" / "journal")
    journal.commit([(BLOCK_RECORD, encode(one)) for one in SENT[:2]])
    journal.close()
    whole, seen = journalled(tmp_path / "data"), Counter[bool]()
    told = subprocess.run([sys.executable, "-c", _DEADLY, str(tmp_path)], capture_output=True, text=True, check=True)
    last, status = map(int, told.stdout.split())
    assert status == 0
    for number in range(last + 1):
        data = tmp_path / str(number)
        folder = Folder(data / "parquet")
        folder.open()
        found = ids(data) if list(folder.files()) else Counter()
        assert found in (Counter(), whole)
        assert bool(found) == bool(folder.done())
        assert list(folder.unfinished.iterdir()) == []
        seen[bool(found)] += 1
        if not found and number % 5 == 0:
            list(Compaction(data / "journal", folder).look())
            assert ids(data) == whole
    assert min(seen.values()) > 3


def test_forget_reaches_the_files_also_those_of_segments_that_are_gone(data: Path) -> None:
    list(opened(data)[0].look())
    segments(data / "journal")[0].path.unlink()
    found = json.loads(tocsin(data, "forget", "--id", "person", "--json").stdout)
    assert found["parquet_rows"] == 3
    assert found["erased"] < 3
    assert "person" not in {row["id"] for row in read(data)}
    assert sum(ids(data).values()) == COUNT - 3
    for path in (data / "parquet").rglob("*"):
        assert path.is_dir() or b"person" not in path.read_bytes()
    assert json.loads(tocsin(data, "forget", "--id", "person", "--json").stdout) == {
        "erased": 0,
        "parquet_rows": 0,
        "unreadable": 0,
    }


def test_forget_in_one_model_only_and_says_how_many(data: Path) -> None:
    list(opened(data)[0].look())
    said = tocsin(data, "forget", "--id", "person", "--model", "a/b = ü", "--project", "shop").stdout
    assert said == "1 events of 'person' are erased, and 1 rows of files\n"
    assert ids(data) == journalled(data)


def test_retention_waits_for_the_files_and_the_files_outlive_the_segments(data: Path) -> None:
    compaction, _ = opened(data)
    before = journalled(data)
    retention = Retention(data / "journal", Limits(1, 0, -1.0), lambda kind, payload: "")
    list(retention.look(compaction.until))
    assert journalled(data) == before
    list(compaction.look())
    list(retention.look(compaction.until))
    assert len(segments(data / "journal")) == 2  # the newest, and the one that the position is not behind
    assert ids(data) == before


def test_files_go_when_they_are_old_and_are_not_made_again(data: Path) -> None:
    now_s = segments(data / "journal")[-1].path.stat().st_mtime
    list(opened(data)[0].look())
    compaction, folder = opened(data, keep_s=3600, clock=lambda: now_s + 1800)
    list(compaction.look())
    assert ids(data) == journalled(data)
    compaction, folder = opened(data, keep_s=3600, clock=lambda: now_s + 7200)
    first = segments(data / "journal")[0].path
    first.unlink()
    for _ in range(2):
        list(compaction.look())
        assert list(folder.files()) == []
    assert not list((data / "parquet").glob("project=*"))
    assert folder.done() == [name.path.stem for name in segments(data / "journal")]


@pytest.mark.system
@pytest.mark.timeout(180)
def test_a_running_collector_makes_them_and_tells_it(tmp_path: Path) -> None:
    sent = predictions([f"id{n}" for n in range(50)])
    for blocks in ([sent], []):
        with running_collector(tmp_path, free_port(), parquet__enabled=True) as target:
            for one in blocks:
                target.send("POST", "/v1/events", encode(one), "application/vnd.tocsin.block")
            if not blocks:
                until(lambda: "tocsin_parquet_rows_total 50\n" in target.get("/metrics"), "the rows of the first life")
    assert sorted(row["id"] for row in read(tmp_path / "data")) == sorted(f"id{n}" for n in range(50))
    (found,) = stored(tmp_path / "data" / "journal")
    assert len(list(events(found.block))) == 50


def test_embeddings_are_lists_of_one_length_and_two_lengths_are_two_files(tmp_path: Path) -> None:
    def said(ids: list[str], rows: list[list[float]], sequence: int, at: float = 0.0) -> Block:
        made = predictions(ids, sequence=sequence, at=at)
        made.columns["feature.e"] = column("feature.e", [array("f", row) for row in rows])
        return made

    many = [f"m{number}" for number in range(150)]
    blocks = [
        said(["a", "b"], [[0.5, 1.5], [2.5, -1.0]], 1),
        said(["c"], [[1.0, 2.0, 3.0]], 2),
        predictions(["none"], sequence=3),
        said(many, [[float(number), 0.25] for number in range(150)], 4, at=-7200),
    ]
    journal = open_journal(tmp_path / "journal", segment_bytes=1 << 20)
    for one in blocks:
        journal.commit([(BLOCK_RECORD, encode(one))])
    journal.close()
    written(tmp_path, [predictions(["next"], sequence=9)])
    list(opened(tmp_path)[0].look())
    found = {row["id"]: row.get("feature.e") for row in read(tmp_path)}
    assert found["a"] == [0.5, 1.5]
    assert found["c"] == [1.0, 2.0, 3.0]
    assert found["none"] is None
    assert [found[name] for name in many] == [[float(number), 0.25] for number in range(150)]
    assert {row["id"]: row.get("features", {}).get("e") for row in exported(tmp_path)} == found | {"next": None}
    assert erase(Folder(tmp_path / "parquet"), "b") == 1
    assert {row["id"]: row.get("feature.e") for row in read(tmp_path)} == {
        name: value for name, value in found.items() if name != "b"
    }
