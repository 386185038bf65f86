"""Which segments go: the oldest first, never what the windows may need, never the newest."""

import os
from pathlib import Path

import pytest

from tocsin_collector.journal import open_journal
from tocsin_collector.journal.retention import Limits, Retention
from tocsin_collector.journal.segment import segments

NOW_S = 1_795_000_000.0
HOUR_S = 3_600.0
COUNT = 6
EVERYTHING = 1 << 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six segments of 8 KiB on disk, written an hour apart, the newest now."""
    journal = open_journal(tmp_path, segment_bytes=8 << 10)
    for number in range(COUNT):
        journal.commit([(1, bytes([number]) * 8_000)])
    journal.close()
    for number, name in enumerate(segments(tmp_path)):
        written_s = NOW_S - (COUNT - 1 - number) * HOUR_S
        os.utime(name.path, (written_s, written_s))
    return tmp_path


def nobodys(kind: int, payload: bytes) -> str:
    return ""


def left(folder: Path, limits: Limits, until: int = EVERYTHING) -> list[int]:
    """The numbers of the segments that are there after a look."""
    bases = [name.base for name in segments(folder)]
    list(Retention(folder, limits, nobodys, lambda: NOW_S).look(until))
    return [bases.index(name.base) for name in segments(folder)]


def test_without_limits_all_is_kept(folder: Path) -> None:
    assert left(folder, Limits(0, 0, 0)) == [0, 1, 2, 3, 4, 5]


def test_what_is_too_old_goes(folder: Path) -> None:
    assert left(folder, Limits(0, 2.5 * HOUR_S, 0)) == [3, 4, 5]


def test_what_is_too_much_goes_oldest_first(folder: Path) -> None:
    assert left(folder, Limits(3 * (8 << 10), 0, 0)) == [3, 4, 5]


def test_what_the_windows_may_need_stays_whatever_the_limits_say(folder: Path) -> None:
    assert left(folder, Limits(1, 1, 3.5 * HOUR_S)) == [2, 3, 4, 5]


def test_what_has_no_snapshot_of_its_ids_stays(folder: Path) -> None:
    base = segments(folder)[2].base
    assert left(folder, Limits(1, 1, 0), until=base + 1) == [2, 3, 4, 5]
    assert left(folder, Limits(1, 1, 0), until=base) == [0, 1, 2, 3]  # of those: one that ends there is named by it


def test_the_newest_never_goes(folder: Path) -> None:
    assert left(folder, Limits(1, 1, 0)) == [5]


def test_it_counts_what_it_dropped(folder: Path) -> None:
    retention = Retention(folder, Limits(0, 4.5 * HOUR_S, 0), nobodys, lambda: NOW_S)
    list(retention.look(EVERYTHING))
    assert (retention.size_bytes, retention.dropped_bytes_total) == (5 * (8 << 10), 8 << 10)


def test_a_replay_that_runs_meanwhile_goes_on(folder: Path) -> None:
    journal = open_journal(folder)
    replay = journal.replay()
    assert next(replay)[2][0] == 0
    list(Retention(folder, Limits(0, 2.5 * HOUR_S, 0), nobodys, lambda: NOW_S).look(EVERYTHING))
    assert [payload[0] for _, _, payload in replay] == [3, 4, 5]
    journal.close()
