"""What each project keeps: its events go by its own limits, the others' stay, and the disk gets the bytes back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.journal import open_journal
from tocsin_collector.journal.retention import Keep, Limits, Retention, let_go, limits_of
from tocsin_collector.journal.segment import Name, segments
from tocsin_collector.journal.stores import STORES
from tocsin_schema.config import ConfigError

NOW_S = 1_795_000_000.0
HOUR_S = 3_600.0
EVERYTHING = 1 << 60
COUNT = 4
RECORD = 100_000


def owner(kind: int, payload: bytes) -> str:
    return payload[:1].decode()


def filled(folder: Path, commits: list[bytes], store: str) -> None:
    """A segment a commit, written an hour apart, the newest now; each byte of a commit is a record of that project."""
    journal = open_journal(folder, segment_bytes=4096, store=store)
    for projects in commits:
        journal.commit([(1, bytes([project]) * RECORD) for project in projects])
    journal.close()
    for number, name in enumerate(segments(folder)):
        written_s = NOW_S - (len(commits) - 1 - number) * HOUR_S
        os.utime(name.path, (written_s, written_s))


@pytest.fixture(params=STORES)
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Four segments with two records each of the projects a and b; the third has two of c beside them."""
    filled(tmp_path, [b"abab", b"aabb", b"aabbcc", b"ab"], request.param)
    return tmp_path


def looked(
    folder: Path, until: int = EVERYTHING, horizon_s: float = 0, most_s: float = 0, **projects: Keep
) -> Retention:
    retention = Retention(folder, Limits(0, most_s, horizon_s, projects), owner, lambda: NOW_S)
    list(retention.look(until))
    return retention


def replayed(folder: Path) -> str:
    """The projects of the records that are left, in their order."""
    journal = open_journal(folder)
    found = "".join(owner(kind, payload) for _, kind, payload in journal.replay() if kind == 1)
    assert journal.damage == []
    journal.close()
    return found


def test_a_project_that_keeps_less_goes_and_the_others_stay_where_they_are(folder: Path) -> None:
    before = {(position, payload) for position, _, payload in open_once(folder)}
    retention = looked(folder, a=Keep(1.5 * HOUR_S))
    assert replayed(folder) == "bbbbaabbccab"
    assert {(position, payload) for position, kind, payload in open_once(folder) if kind == 1} <= before
    assert retention.dropped_bytes_total > 3.8 * RECORD


def open_once(folder: Path) -> list[tuple[int, int, bytes]]:
    journal = open_journal(folder)
    found = list(journal.replay())
    journal.close()
    return found


def test_the_disk_has_its_bytes_back(folder: Path) -> None:
    before = sum(name.path.stat().st_blocks * 512 for name in segments(folder))
    retention = looked(folder, a=Keep(0.5 * HOUR_S), b=Keep(0.5 * HOUR_S))
    after = sum(name.path.stat().st_blocks * 512 for name in segments(folder))
    assert replayed(folder) == "ccab"
    assert len(segments(folder)) == 2
    assert (retention.size_bytes, retention.dropped_bytes_total) == (after, before - after)
    assert after < 4.6 * RECORD


def test_a_segment_that_everybody_let_go_of_is_dropped(folder: Path) -> None:
    looked(folder, a=Keep(1.5 * HOUR_S))
    looked(folder, a=Keep(1.5 * HOUR_S), b=Keep(2.5 * HOUR_S))
    assert len(segments(folder)) == 3
    assert replayed(folder) == "bbaabbccab"


def test_a_project_keeps_longer_than_the_others(folder: Path) -> None:
    looked(folder, most_s=0.5 * HOUR_S, c=Keep(0, 0))
    assert replayed(folder) == "ccab"


def test_of_too_many_bytes_the_oldest_go(folder: Path) -> None:
    looked(folder, a=Keep(0, 3.5 * RECORD))
    assert replayed(folder) == "bbbbaabbccab"  # the newest two segments have three of them
    looked(folder, b=Keep(0, 1))
    assert replayed(folder) == "aaccab"  # the newest segment never goes


def test_what_the_windows_may_need_or_no_snapshot_has_stays(folder: Path) -> None:
    assert looked(folder, horizon_s=9 * HOUR_S, a=Keep(1, 1)).dropped_bytes_total == 0
    assert looked(folder, until=segments(folder)[1].base, a=Keep(1, 1)).dropped_bytes_total == 0
    looked(folder, until=segments(folder)[1].base + 1, a=Keep(1, 1))
    assert replayed(folder) == "bbaabbaabbccab"


def test_an_age_of_events_outlives_the_writing_anew(folder: Path) -> None:
    ages = [name.path.stat().st_mtime for name in segments(folder)]
    looked(folder, a=Keep(0.5 * HOUR_S))
    assert [name.path.stat().st_mtime for name in segments(folder)] == ages


def test_what_it_counted_is_kept_beside_the_segment_and_a_torn_one_is_counted_anew(folder: Path) -> None:
    counted: list[int] = []

    def counting(kind: int, payload: bytes) -> str:
        counted.append(kind)
        return owner(kind, payload)

    limits = Limits(0, 0, 0, {"z": Keep(1, 1)})
    list(Retention(folder, limits, counting, lambda: NOW_S).look(EVERYTHING))
    assert len(counted) == 14  # the newest is not read
    list(Retention(folder, limits, counting, lambda: NOW_S).look(EVERYTHING))
    assert len(counted) == 14
    torn = segments(folder)[0].path.with_suffix(".shares")
    assert json.loads(torn.read_bytes()).keys() == {"a", "b"}
    torn.write_bytes(b'{"a": 20')
    list(Retention(folder, limits, counting, lambda: NOW_S).look(EVERYTHING))
    assert len(counted) == 18


def test_a_dropped_segment_leaves_nothing_behind(folder: Path) -> None:
    looked(folder, z=Keep(1))
    looked(folder, most_s=1, z=Keep(2))
    left = {path.name.partition(".")[0] for path in folder.iterdir()} - {"lock", "reserve"}
    assert left == {segments(folder)[0].path.stem}
    assert len(segments(folder)) == 1


def test_what_a_killed_writer_left_goes_at_the_next_start(folder: Path) -> None:
    unfinished = segments(folder)[0].path.with_suffix(".part")
    unfinished.write_bytes(b"half")
    assert replayed(folder) == "ababaabbaabbccab"
    assert not unfinished.exists()


_DEADLY = """
import os, sys
from pathlib import Path
from tocsin_collector.journal.retention import Keep, Limits, Retention
calls = int(sys.argv[1])
def deadly(call):
    def counting(*arguments, **named):
        global calls
        calls -= 1
        if calls < 0:
            os._exit(9)
        return call(*arguments, **named)
    return counting
for name in ("pwrite", "fsync", "replace", "unlink"):
    setattr(os, name, deadly(getattr(os, name)))
limits, now_s = Limits(0, 0, 0, {"a": Keep(1800)}), float(sys.argv[3])
list(Retention(Path(sys.argv[2]), limits, lambda kind, payload: payload[:1].decode(), lambda: now_s).look(1 << 60))
"""


def test_killed_at_any_moment_it_has_done_a_segment_or_not(folder: Path) -> None:
    """Each of its writes, syncs and renames is once the one that it does not come to; the next look does the rest."""
    for calls in range(100):
        command = [sys.executable, "-c", _DEADLY, str(calls), str(folder), str(NOW_S)]
        done = subprocess.run(command, check=False)
        assert done.returncode in (0, 9)
        assert replayed(folder).replace("a", "") == "bbbbbbccb"
        if done.returncode == 0:
            break
    assert calls > 6
    assert replayed(folder) == "bbbbbbccab"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), max_size=3), min_size=1, max_size=8),
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=3),
    st.integers(0, 9),
)
def test_each_project_keeps_its_newest(
    tmp_path_factory: pytest.TempPathFactory,
    shares: list[dict[str, int]],
    keeps: dict[str, tuple[int, int]],
    horizon_h: int,
) -> None:
    """Against the rule said for one project at a time."""
    folder = tmp_path_factory.mktemp("segments")
    names = []
    for number in range(len(shares)):
        path = folder / f"{number}"
        path.touch()
        written_s = NOW_S - (len(shares) - number) * HOUR_S
        os.utime(path, (written_s, written_s))
        names.append(Name(path, number, b""))
    projects = {name: Keep(hours * HOUR_S, most) for name, (hours, most) in keeps.items()}
    limits = Limits(0, 0, horizon_h * HOUR_S, projects)
    found = dict(let_go(names, lambda name: shares[name.base], limits, NOW_S, EVERYTHING))
    for project in "abc":
        hours, most = keeps.get(project, (0, 0))
        kept = 0
        over = False
        for number in range(len(shares) - 2, -1, -1):
            age_h = len(shares) - number
            mine = shares[number].get(project, 0)
            kept += mine
            if mine and age_h > horizon_h:
                over |= bool((hours and age_h > hours) or (most and kept > most))
            assert (project in found.get(names[number], ())) == bool(mine and age_h > horizon_h and over)


@pytest.mark.parametrize(
    "text",
    ["shop", "shop 1", "shop keep_s=x", "shop keep_s=-1", "shop keep_bytes=inf", "keep_s=1", "shop keep_s=1 keep_s=2"],
)
def test_a_project_that_is_not_told_right_is_a_clear_fault(text: str) -> None:
    with pytest.raises(ConfigError, match=r"journal.projects: .* expected, as in 'shop keep_s=2592000"):
        limits_of({"journal.projects": [text], "journal.keep_bytes": 0, "journal.keep_s": 0}, 0)


def test_a_projects_name_may_have_blanks() -> None:
    values = {
        "journal.projects": ["the shop keep_s=60 keep_bytes=1e9", "bank keep_bytes=5"],
        "journal.keep_bytes": 1,
        "journal.keep_s": 2,
    }
    assert limits_of(values, 3.0) == Limits(1, 2, 3.0, {"the shop": Keep(60, 1e9), "bank": Keep(2, 5)})
