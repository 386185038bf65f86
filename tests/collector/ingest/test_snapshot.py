"""A start from a snapshot knows what a start from the whole journal knows; from one that is not sound, too."""

import asyncio
import logging
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import NOW_S, PRODUCER, labels, predictions
from tocsin_collector.frame import Frame
from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.intake import Intake, Memory, Windows
from tocsin_collector.ingest.snapshot import SnapshotError, read
from tocsin_collector.journal import open_journal
from tocsin_collector.journal.retention import Limits, surplus
from tocsin_collector.journal.segment import segments
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.windows import Calendar
from tocsin_schema.block import Block

MEMORY = Memory(horizon_s=3_600.0, most_bytes=1 << 20)
SENT = [
    *(predictions([f"a{n}", f"b{n}"], sequence=2 * n, at=60 * n) for n in range(90)),
    *(predictions([f"c{n}"], producer=NO_PRODUCER, sequence=0, at=60 * n, model="other") for n in range(30)),
    labels([("a1", "yes", 0), ("a2", "no", 0), ("a1", "no", 9)], sequence=1_001),
]
ASKED = [
    predictions(["a80", "b80"], sequence=160, at=4_800),
    predictions(["a80", "new"], sequence=161, at=4_800),
    predictions(["a80"], sequence=163, at=4_800, age=42.0),
    predictions(["old"], producer=NO_PRODUCER, sequence=0, at=60),
    predictions(["old"], sequence=165, at=60),
    predictions(["c1", "c31"], producer=NO_PRODUCER, sequence=0, model="other"),
    labels([("a1", "yes", 8), ("a2", "yes", 8)], sequence=1_002),
]


def opened(folder: Path, memory: Memory = MEMORY) -> tuple[Intake, list[str]]:
    """An intake that has recovered, and the ids that its windows were given."""
    given: list[str] = []
    journal = open_journal(folder, segment_bytes=1 << 13)
    intake = Intake(journal, lambda frame, _: given.extend(frame.ids), memory=memory, clock=lambda: NOW_S + 9_000)
    intake.recover()
    return intake, given


def answers(intake: Intake, blocks: list[Block], *, is_killed: bool = False) -> list[object]:
    """What becomes of blocks, one request each; then the intake and its journal are closed as at a stop."""

    async def run() -> list[object]:
        found = [await intake.submit([block]) for block in blocks]
        if not is_killed:
            await intake.close()
        return [(answer.accepted, answer.duplicate, [item.code for item in answer.rejected]) for answer in found]

    try:
        return asyncio.run(run())
    finally:
        intake._journal.close()


def watched(folder: Path, blocks: list[Block], keep: int = 9) -> tuple[str, list[int]]:
    """What the windows tell after a start, and what after some more blocks; and the rows that the start gave them."""
    monitor = Monitor(Calendar(600, lateness_s=60), keep=keep, min_rows=5, on_verdict=lambda _: None)
    given: list[int] = []

    def apply(frame: Frame, position: int) -> None:
        given.append(frame.rows)
        monitor.apply(frame, position)

    journal = open_journal(folder, segment_bytes=1 << 13)
    windows = Windows(monitor.state, monitor.load)
    intake = Intake(journal, apply, memory=MEMORY, windows=windows, clock=lambda: NOW_S + 9_000)
    intake.recover()
    started = list(given)
    told = [monitor.views(), monitor.unmatched()]
    answers(intake, blocks)
    return repr([told, monitor.views(), monitor.unmatched()]), started


@pytest.fixture(scope="module")
def windowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of a collector that watched its models."""
    folder = tmp_path_factory.mktemp("windowed")
    watched(folder, SENT)
    return folder


@pytest.fixture(scope="module")
def replayed(windowed: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[int]]:
    """What a start from the journal alone makes of it."""
    folder = copied(windowed, tmp_path_factory.mktemp("replayed"))
    (folder / "snapshot").unlink()
    told, started = watched(folder, ASKED)
    assert sum(started) == 213
    return told, started


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal's folder as a collector leaves it that was stopped."""
    folder = tmp_path_factory.mktemp("stopped")
    answers(opened(folder)[0], SENT)
    return folder


def change_ids(folder: Path) -> None:
    """One bit in the part that has the ids."""
    path = folder / "snapshot"
    raw = bytearray(path.read_bytes())
    raw[-40] ^= 1
    path.write_bytes(raw)


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to, dirs_exist_ok=True))


def outcome(folder: Path) -> tuple[object, ...]:
    """Everything that a start knows: what it has counted, what it tells the windows, and what it answers."""
    intake, given = opened(folder)
    counted = intake.counters.state()
    return counted, given, answers(intake, ASKED)


def test_a_start_from_a_snapshot_is_a_start_from_the_journal(stopped: Path, tmp_path: Path) -> None:
    known = copied(stopped, tmp_path / "known")
    replayed = copied(stopped, tmp_path / "replayed")
    (replayed / "snapshot").unlink()
    expected = outcome(replayed)
    assert outcome(known) == expected
    assert expected[2] == [
        (0, 2, []),
        (1, 1, []),
        (0, 0, ["conflict"]),
        (0, 0, ["past_horizon"]),
        (0, 0, ["past_horizon"]),
        (1, 1, []),
        (1, 1, []),
    ]


def test_what_came_after_the_snapshot_is_found_in_the_journal(stopped: Path, tmp_path: Path) -> None:
    folder = copied(stopped, tmp_path / "killed")
    intake, _ = opened(folder)
    later = [predictions([f"later{n}"], sequence=500 + n, at=5_000) for n in range(9)]
    answers(intake, later)
    shutil.copy(stopped / "snapshot", folder / "snapshot")  # as when it was killed before it wrote another
    intake, _ = opened(folder)
    assert intake.counters.accepted["prediction"] == 219
    assert answers(intake, later) == [(0, 1, [])] * 9


def test_a_snapshot_of_another_journal_is_left_alone(
    stopped: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answers(opened(tmp_path)[0], SENT[:5])
    expected = outcome(copied(tmp_path, tmp_path.parent / "alone"))
    shutil.copy(stopped / "snapshot", tmp_path / "snapshot")
    with caplog.at_level(logging.WARNING):
        assert outcome(tmp_path) == expected
    assert "snapshot_of_another_journal" in caplog.text


def test_a_snapshot_of_a_journal_that_was_set_back_is_left_alone(stopped: Path, tmp_path: Path) -> None:
    folder = copied(stopped, tmp_path / "back")
    segments = sorted(folder.glob("*.journal"))
    for path in segments[2:]:
        path.unlink()
    intake, given = opened(folder)
    assert intake.counters.accepted["prediction"] == len(given) > 0
    intake._journal.close()


def test_a_longer_horizon_is_learnt_from_the_journal(stopped: Path, tmp_path: Path) -> None:
    intake, _ = opened(copied(stopped, tmp_path / "longer"), MEMORY._replace(horizon_s=7_200.0))
    assert answers(intake, ASKED)[3:5] == [(1, 0, []), (0, 1, [])]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_snapshot_that_is_torn_or_changed_anywhere_is_told_from_a_sound_one(
    stopped: Path, tmp_path: Path, data: st.DataObject
) -> None:
    raw = (stopped / "snapshot").read_bytes()
    at = data.draw(st.integers(0, len(raw) - 1))
    path = tmp_path / "torn"
    for damaged in (raw[:at], raw[:at] + bytes([raw[at] ^ 1 << data.draw(st.integers(0, 7))]) + raw[at + 1 :]):
        path.write_bytes(damaged)
        with pytest.raises(SnapshotError):  # noqa: PT012  what is changed among the ids shows when they are read
            _, ids = read(path)
            ids()


@pytest.mark.parametrize("cut", [0, 5, 100, 5_000, -1])
def test_from_a_torn_snapshot_a_start_knows_the_same(stopped: Path, tmp_path: Path, cut: int) -> None:
    folder = copied(stopped, tmp_path / "torn")
    expected = outcome(copied(stopped, tmp_path / "sound"))
    raw = (folder / "snapshot").read_bytes()
    (folder / "snapshot").write_bytes(raw[:cut])
    assert outcome(folder) == expected


def test_ids_that_are_changed_are_read_from_the_journal_and_the_rest_holds(
    windowed: Path, tmp_path: Path, replayed: tuple[str, list[int]], caplog: pytest.LogCaptureFixture
) -> None:
    folder = copied(windowed, tmp_path / "changed")
    change_ids(folder)
    with caplog.at_level(logging.WARNING):
        assert watched(folder, ASKED) == (replayed[0], [])
    assert "the ids are read from the whole journal" in caplog.text
    assert read(folder / "snapshot")[1]()  # a sound one has taken its place


def test_a_start_is_told_what_was_counted_before_it_has_the_ids(stopped: Path, tmp_path: Path) -> None:
    folder = copied(stopped, tmp_path / "told")
    change_ids(folder)  # whoever reads them finds it
    intake, _ = opened(folder)
    assert intake.counters.accepted["prediction"] == 210
    assert intake.kept == intake._journal.end
    asyncio.run(intake.remember())
    assert intake.kept == 0  # retention waits
    assert intake._snapshots.is_due(intake._journal.end, NOW_S)
    answers(intake, ASKED)
    assert intake.counters.accepted["prediction"] == 212


GROUPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from([*SENT[:6], *SENT[90:95], *SENT[-1:], *ASKED]), min_size=1, max_size=4),
        st.sampled_from(["goes on", "stops", "is killed", "stops, and its ids are changed"]),
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(GROUPS)
def test_wherever_it_stops_it_goes_on_as_one_that_never_did(groups: list[tuple[list[Block], str]]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        never, _ = opened(Path(one))
        expected = answers(never, [block for blocks, _ in groups for block in blocks])
        found, start = list[object](), 0
        for end, (_, then) in enumerate(groups, 1):
            if then == "goes on" and end < len(groups):
                continue
            intake, _ = opened(Path(other))
            sent = [block for blocks, _ in groups[start:end] for block in blocks]
            found += answers(intake, sent, is_killed=then == "is killed")
            if then.endswith("changed"):
                change_ids(Path(other))
            start = end
        assert found == expected
        again, _ = opened(Path(other))
        assert again.counters.state() == never.counters.state()
        again._journal.close()


def test_windows_from_a_snapshot_are_those_from_the_journal(
    windowed: Path, tmp_path: Path, replayed: tuple[str, list[int]]
) -> None:
    assert watched(copied(windowed, tmp_path / "known"), ASKED) == (replayed[0], [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(st.data())
def test_windows_from_a_snapshot_torn_anywhere_are_those_from_the_journal(
    windowed: Path, tmp_path: Path, replayed: tuple[str, list[int]], data: st.DataObject
) -> None:
    raw = (windowed / "snapshot").read_bytes()
    with tempfile.TemporaryDirectory(dir=tmp_path) as name:
        folder = copied(windowed, Path(name))
        (folder / "snapshot").write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
        assert watched(folder, ASKED) == replayed


def test_windows_take_only_what_came_after_the_snapshot_from_the_journal(windowed: Path, tmp_path: Path) -> None:
    later = [predictions([f"later{n}"], sequence=500 + n, at=5_400 + 60 * n) for n in range(9)]
    folder = copied(windowed, tmp_path / "killed")
    watched(folder, later)
    whole = copied(folder, tmp_path / "whole")
    (whole / "snapshot").unlink()
    shutil.copy(windowed / "snapshot", folder / "snapshot")  # as when it was killed before it wrote another
    told, started = watched(folder, ASKED)
    assert started == [1] * 9
    assert told == watched(whole, ASKED)[0]


def test_a_snapshot_of_other_windows_still_has_the_ids(
    windowed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bare = copied(windowed, tmp_path / "bare")
    (bare / "snapshot").unlink()
    with caplog.at_level(logging.WARNING):
        assert watched(copied(windowed, tmp_path / "known"), ASKED, keep=3) == watched(bare, ASKED, keep=3)
    assert [record.message.split()[0] for record in caplog.records] == ["snapshot_of_other_windows"]


def test_a_snapshot_of_an_older_format_is_left_alone(
    stopped: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = copied(stopped, tmp_path / "older")
    raw = (folder / "snapshot").read_bytes()
    (folder / "snapshot").write_bytes(raw[:7] + b"\1" + raw[8:])
    with caplog.at_level(logging.WARNING):
        assert outcome(folder) == outcome(copied(stopped, tmp_path / "sound"))
    assert "it is of another format" in caplog.text


def test_only_its_owner_may_read_it(stopped: Path) -> None:
    assert (stopped / "snapshot").stat().st_mode & 0o777 == 0o600
    assert not list(stopped.glob("*.part"))


def test_a_disk_that_does_not_take_it_is_counted_and_nothing_else_suffers(tmp_path: Path) -> None:
    intake, _ = opened(tmp_path)
    (tmp_path / "snapshot.part").mkdir()
    assert answers(intake, SENT[:3]) == [(2, 0, [])] * 3
    assert [item.value for item in intake.samples() if item.name == "tocsin_ingest_snapshot_errors_total"] == [1]
    assert PRODUCER in intake._dedupe.state()["producers"]


def test_a_day_of_few_events_ends_in_a_snapshot_and_a_segment_that_can_be_let_go_of(tmp_path: Path) -> None:
    """Sixty-four MiB of them may take a year."""
    now = [NOW_S]
    journal = open_journal(tmp_path / "journal")
    intake = Intake(journal, lambda frame, _: None, memory=MEMORY, clock=lambda: now[0])

    async def run() -> list[tuple[int, int]]:
        found = []
        for number, hour in enumerate((0, 23, 25, 26, 50)):
            now[0] = NOW_S + 3_600 * hour
            await intake.submit([predictions([str(number)], sequence=number, at=now[0] - NOW_S)])
            await (intake._worker or asyncio.sleep(0))
            await (intake._saving or asyncio.sleep(0))
            found.append((len(segments(journal.folder)), intake.kept // (journal.end // (number + 1))))
        return found

    try:
        assert asyncio.run(run()) == [(1, 0), (1, 0), (1, 3), (2, 3), (2, 5)]
        limits = Limits(most_s=1.0, horizon_s=1.0)
        first, last = segments(journal.folder)
        assert surplus(journal.folder, limits, last.path.stat().st_mtime + 2, intake.kept) == [first]
    finally:
        journal.close()
