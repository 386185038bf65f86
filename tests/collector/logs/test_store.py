"""The store: once, in order, searchable, bounded, and safe from kill -9."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.exposed import render
from tocsin_collector.logs import LogStore, QueryError, StoreError
from tocsin_collector.logs.contract import COUNT_LIMIT, MARK_BEGIN, MARK_END
from tocsin_collector.logs.record import Record, record

SECOND = 1_000_000


def _made(message: str, seconds: float = 0, id_: str | None = None, **fields: object) -> Record:
    line = {"message": message, "@timestamp": seconds} | ({"event.id": id_} if id_ else {}) | fields
    return record(json.dumps(line).encode(), 0)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., LogStore]]:
    """Opens stores in one folder and closes them."""
    made: list[LogStore] = []

    def make(keep: int = 1_000_000) -> LogStore:
        made.append(LogStore(str(tmp_path), keep))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    """A store with a hundred records of five hosts, for reading."""
    store = LogStore(str(tmp_path_factory.mktemp("logs")))
    levels = ("debug", "info", "warning", "error", "critical")
    store.add(
        [
            _made(f"flight UA{i} took {i} ms", i, f"id{i}", **{"log.level": levels[i % 5], "host.name": f"h{i % 3}"})
            for i in range(100)
        ]
    ).result(10)
    yield store
    store.close()


def test_a_batch_is_on_disk_when_its_future_is_done(opened: Callable[..., LogStore], tmp_path: Path) -> None:
    assert opened().add([_made("a"), _made("b")]).result(10) == (2, 0)
    with sqlite3.connect(tmp_path / "logs.sqlite") as other:
        assert other.execute("SELECT count(*) FROM record").fetchone() == (2,)
    other.close()


def test_the_same_id_twice_is_one_record(opened: Callable[..., LogStore]) -> None:
    store = opened()
    assert store.add([_made("a", 1, "x"), _made("a", 1, "x"), _made("b", 1, "y")]).result(10) == (2, 1)
    assert store.add([_made("a", 1, "x")]).result(10) == (0, 1)
    assert [row.message for row in store.search().rows] == ["b", "a"]


def test_records_without_an_id_are_all_kept(opened: Callable[..., LogStore]) -> None:
    assert opened().add([_made("a"), _made("a")]).result(10) == (2, 0)


def test_a_store_is_found_again(opened: Callable[..., LogStore], tmp_path: Path) -> None:
    first = LogStore(str(tmp_path))
    first.add([_made("kept", 5, "k")]).result(10)
    first.close()
    second = opened()
    assert second.add([_made("kept", 5, "k")]).result(10) == (0, 1)
    assert second.search("kept").total == 1


def test_newest_first_by_the_events_own_time(opened: Callable[..., LogStore]) -> None:
    store = opened()
    store.add([_made("late", 30), _made("early", 10)]).result(10)
    store.add([_made("middle", 20)]).result(10)
    assert [row.message for row in store.search().rows] == ["late", "middle", "early"]


def test_many_records_of_one_moment_keep_the_order_of_their_arrival(opened: Callable[..., LogStore]) -> None:
    store = opened()
    for index in range(3):
        store.add([_made(f"m{index}-{i}", 7) for i in range(500)]).result(10)
    found = store.search(limit=1000).rows
    assert [row.message for row in found[:2]] == ["m2-499", "m2-498"]


def test_retention_removes_the_oldest_from_table_and_index(opened: Callable[..., LogStore]) -> None:
    store = opened(keep=10)
    for index in range(5):
        store.add([_made(f"word{index} all", index * 10 + i) for i in range(5)]).result(10)
    assert store.search("all").total == 10
    assert store.search("word0").total == store.search("word2").total == 0
    assert store.search("word4").total == 5
    assert {s.name: s.value for s in store.samples()}["tocsin_logs_expired_records_total"] == 15


def test_retention_holds_over_a_restart_with_a_smaller_bound(opened: Callable[..., LogStore], tmp_path: Path) -> None:
    first = LogStore(str(tmp_path))
    first.add([_made("w", i) for i in range(50)]).result(10)
    first.close()
    store = opened(keep=20)
    store.add([_made("w", 99)]).result(10)
    assert store.search("w").total == 20


def test_paging_walks_through_all_once(filled: LogStore) -> None:
    seen: list[str] = []
    before = None
    while True:
        page = filled.search("flight", limit=30, before=before)
        assert page.total == 100
        seen += [row.message for row in page.rows]
        if page.next is None:
            break
        before = page.next
    assert seen == [f"flight UA{i} took {i} ms" for i in reversed(range(100))]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"query": "UA7"}, 1),
        ({"query": "ua7*"}, 11),
        ({"query": '"took 5 ms"'}, 1),
        ({"query": "took ms nothing"}, 0),
        ({"level": "error"}, 40),
        ({"level": "critical", "query": "flight"}, 20),
        ({"host": "h1"}, 33),
        ({"since_s": 90.0}, 10),
        ({"since_s": 10.0, "until_s": 20.0, "query": "flight"}, 10),
        ({"until_s": -5.0}, 0),
        ({"since_s": 1e300}, 0),
    ],
)
def test_search_by_words_time_level_and_host(filled: LogStore, asked: dict[str, object], count: int) -> None:
    assert filled.search(**asked).total == count  # type: ignore[arg-type]


def test_what_was_searched_is_marked(filled: LogStore) -> None:
    assert filled.search("UA42").rows[0].marked == f"flight {MARK_BEGIN}UA42{MARK_END} took 42 ms"


def test_the_hosts_are_listed_once(filled: LogStore) -> None:
    assert filled.hosts() == ["h0", "h1", "h2"]


def test_an_unknown_level_is_said(filled: LogStore) -> None:
    with pytest.raises(ValueError, match="one of debug, info"):
        filled.search(level="loud")


@given(st.text(alphabet=st.characters(), max_size=40) | st.text(alphabet='"*()-:^ANDORNEAR{}+ ab\x00', max_size=40))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_is_typed_is_a_syntax_error(filled: LogStore, text: str) -> None:
    with contextlib.suppress(QueryError):
        assert filled.search(text).total >= 0


def test_a_message_is_found_by_any_of_its_words(opened: Callable[..., LogStore]) -> None:
    store = opened()
    text = "Ünïcode naïve 東京 path=/api/v1 tail_number N14228 100%"
    store.add([_made(text)]).result(10)
    for word in ("unicode", "naive", "東京", "path=/api/v1", "tail_number", "N14228", "n142*"):
        assert store.search(word).total == 1, word


def test_a_total_is_counted_to_its_limit(opened: Callable[..., LogStore]) -> None:
    store = opened()
    store.add([_made("w", i / 100) for i in range(COUNT_LIMIT + 5)]).result(30)
    found = store.search("w", limit=1)
    assert (found.total, found.capped) == (COUNT_LIMIT, True)


def test_a_store_that_cannot_write_tells_the_sender_and_lives_on(
    opened: Callable[..., LogStore], tmp_path: Path
) -> None:
    store = opened()
    other = sqlite3.connect(tmp_path / "logs.sqlite", isolation_level=None)
    other.execute("ALTER TABLE record RENAME TO hidden")
    with pytest.raises(StoreError, match="cannot write: no such table"):
        store.add([_made("a")]).result(10)
    other.execute("ALTER TABLE hidden RENAME TO record")
    other.close()
    assert store.add([_made("a")]).result(10) == (1, 0)
    assert store.counts["failures"] == 1


def test_a_store_that_is_no_database_is_said_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "logs.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"logs\.sqlite cannot be opened: file is not a database"):
        LogStore(str(tmp_path))
    with pytest.raises(StoreError, match="cannot be opened"):
        LogStore(str(tmp_path / "logs.sqlite"))


def test_a_closed_store_takes_nothing_and_says_so(opened: Callable[..., LogStore]) -> None:
    store = opened()
    assert store.state() == (True, None, "", "")
    waiting = store.add([_made("written before the end")])
    store.close()
    assert waiting.result(10) == (1, 0)
    assert store.state()[::2] == (False, "the log store is closed")
    with pytest.raises(StoreError, match="closed"):
        store.add([_made("a")]).result(10)


def test_its_metrics_are_in_the_catalogue(filled: LogStore) -> None:
    assert b'tocsin_logs_records_total{outcome="accepted"} 100' in render(filled.samples())


_WRITER = """
import sys
from tocsin_collector.logs import LogStore
from tocsin_collector.logs.record import record
store = LogStore(sys.argv[1])
number = int(sys.argv[2])
while True:
    batch = [record(b'{"message":"line %d","event.id":"%d"}' % (n, n), n) for n in range(number, number + 20)]
    store.add(batch).result()
    number += 20
    print(number, flush=True)
"""


@pytest.mark.system
def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    acknowledged = 0
    for rounds in range(12):
        command = [sys.executable, "-c", _WRITER, str(tmp_path), str(acknowledged)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(1 + rounds * 3 % 7):
                acknowledged = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
            # What was acknowledged between the last line read and the end counts too.
            rest = process.stdout.read().split()
            acknowledged = int(rest[-1]) if rest else acknowledged
    store = LogStore(str(tmp_path))
    with sqlite3.connect(tmp_path / "logs.sqlite") as reader:
        ids = {int(text) for (text,) in reader.execute("SELECT id FROM record")}
        reader.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    reader.close()
    assert set(range(acknowledged)) <= ids
    assert store.search("line", limit=1).capped == (len(ids) > COUNT_LIMIT)
    store.close()
