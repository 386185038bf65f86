import json
import sqlite3
import zlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.monitor.test_monitor import KEY
from tests.collector.monitor.test_state import _feed, _late, _opened, _predictions, blocks
from tocsin_collector.monitor.record import FILE, Record


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path / "windows")


def _finals(monitor):
    return [verdict for view in monitor.views() for verdict in view.verdicts if verdict.final]


def _put(folder, monitor, keep=400):
    record = Record(folder, keep)
    for view in monitor.views():
        list(record.put(view.verdicts))
    record.close()


def _loaded(folder):
    record = Record(folder, 400)
    found = list(record.load())
    record.close()
    return found


def _some(hours, **how):
    monitor, _ = _opened(keep=400)
    told = [block for hour in hours for block in (_predictions(hour, 1, "3", ""), _late(hour, 1, "labels", hour))]
    _feed(monitor, [*told, None], **how)
    return monitor


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(blocks, max_size=16))
def test_what_was_told_of_final_windows_is_read_back_the_same(tmp_path_factory, some):
    folder = str(tmp_path_factory.mktemp("windows"))
    monitor, _ = _opened()
    _feed(monitor, some)
    _put(folder, monitor)
    assert _loaded(folder) == sorted(_finals(monitor), key=lambda one: (one.key, one.start_s))


def test_only_final_windows_are_written_each_once(folder):
    monitor = _some(range(100, 110))
    assert len(_finals(monitor)) < len(monitor.views()[0].verdicts)
    record = Record(folder, 400)
    verdicts = monitor.views()[0].verdicts
    assert len(list(record.put(verdicts))) == 1
    assert list(record.put(verdicts)) == []
    record.close()
    reopened = Record(folder, 400)
    assert list(reopened.put(verdicts)) == []
    reopened.close()


def test_the_newest_windows_stay(folder):
    monitor = _some(range(100, 120))
    _put(folder, monitor, keep=7)
    assert _loaded(folder) == _finals(monitor)[-7:]


def test_a_window_that_was_counted_from_fewer_rows_changes_nothing(folder):
    whole, less = _some(range(100, 110)), _some([103, 109])
    _put(folder, whole)
    record = Record(folder, 400)
    record.forget_written()
    list(record.put(less.views()[0].verdicts))
    record.close()
    assert [one.rows for one in _loaded(folder)] == [one.rows for one in _finals(whole)]


def test_a_monitor_remembers_what_it_cannot_count_any_more(folder):
    whole = _some(range(100, 110))
    _put(folder, whole)
    later = _some(range(106, 110))
    later.remember(_loaded(folder))
    told = later.views()[0].verdicts
    assert [one.start_s for one in told] == [one.start_s for one in whole.views()[0].verdicts]
    assert list(told)[: len(_finals(whole))] == _finals(whole)
    nobody, _ = _opened(keep=400)
    nobody.remember(_loaded(folder))
    assert list(nobody.views()[0].verdicts) == _finals(whole)


def test_windows_of_another_length_are_not_remembered(folder):
    _put(folder, _some(range(100, 110)))
    monitor, _ = _opened(keep=400)
    monitor.remember(replace(verdict, end_s=verdict.end_s + 60) for verdict in _loaded(folder))
    assert monitor.views()[0].verdicts == ()


def test_another_version_may_know_more_or_fewer_fields(folder):
    _put(folder, _some(range(100, 106)))
    before = _loaded(folder)
    with sqlite3.connect(f"{folder}/{FILE}") as file:
        for rowid, told in file.execute("SELECT rowid, told FROM verdict").fetchall():
            (one,) = json.loads(zlib.decompress(told))
            del one["latency_s"]
            one["mood"] = "sunny"
            file.execute(
                "UPDATE verdict SET told = ? WHERE rowid = ?", (zlib.compress(json.dumps([one]).encode()), rowid)
            )
    file.close()
    assert [(one.start_s, one.features, one.quality) for one in _loaded(folder)] == [
        (one.start_s, one.features, one.quality) for one in before
    ]


def test_a_row_that_cannot_be_read_is_said_and_the_others_are_read(folder, caplog):
    _put(folder, _some(range(100, 110)))
    before = _loaded(folder)
    with sqlite3.connect(f"{folder}/{FILE}") as file:
        file.execute("UPDATE verdict SET told = x'00' WHERE start_s = ?", (before[0].start_s,))
        file.execute("UPDATE verdict SET told = ? WHERE start_s = ?", (zlib.compress(b"[{}]"), before[1].start_s))
    file.close()
    assert _loaded(folder) == before[2:]
    assert caplog.text.count(f"window_unreadable model={'/'.join(KEY)} start_s=") == 2


@pytest.mark.parametrize("at", [0, 20, 5_000], ids=["the magic", "the head", "a page"])
def test_a_damaged_file_is_set_aside_and_begun_anew(folder, caplog, at):
    _put(folder, _some(range(100, 130)))
    path = f"{folder}/{FILE}"
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 3_000)
    monitor = _some(range(100, 110))
    _put(folder, monitor)
    assert "record_damaged" in caplog.text or at == 5_000
    assert [one.start_s for one in _loaded(folder)][:2] == [one.start_s for one in _finals(monitor)][:2]


def test_what_could_not_be_written_is_written_the_next_time(folder):
    verdicts = _some(range(100, 110)).views()[0].verdicts
    record = Record(folder, 400)
    other = sqlite3.connect(f"{folder}/{FILE}", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    record._connection.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        list(record.put(verdicts))
    other.execute("ROLLBACK")
    other.close()
    list(record.put(verdicts))
    record.close()
    assert _loaded(folder) == [one for one in verdicts if one.final]
