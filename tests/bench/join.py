"""A million labels find a million predictions, both in random order and in batches of 1,000; the peer is SQLite.

Ours is the collector's own way behind the dedupe: ids as they lie in a block, hashed, joined, and at the end every
window's labels read. SQLite (in memory, one transaction a batch) does the same by an upsert that stores a prediction's
window under its id, and one that stores its label unless a later one is there. Both run in turns in one process; the
figures are medians, CPU of the process. The memory is what a process of its own takes for a million rows of a
classifier with two scores, predictions and labels, once the join has settled.
"""

import gc
import sqlite3
import statistics
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np

from tests.bench.measure import Measure
from tocsin_collector.frame import Frame, Values
from tocsin_collector.keyedhash import KEY_BYTES, KeyedHash
from tocsin_collector.monitor.join import Join
from tocsin_collector.monitor.window import Window
from tocsin_collector.texts import Texts
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey

ROWS, BATCH, WINDOWS = 1_000_000, 1_000, 24
ROUNDS = 5
LARGEST_CPU_S, LARGEST_ROW_BYTES = 0.3, 64
KEY = ModelKey("bench", "m", "1")
_ENDS = np.arange(0, 32 * BATCH + 1, 32, dtype=np.uint32)
_WHOLE = np.ones(BATCH, bool)


def run() -> list[Measure]:
    """CPU against SQLite and against the limit, memory against the limit."""
    predictions, labels = _batches(1), _batches(2)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_cpu(lambda: _join(predictions, labels)))
        theirs.append(_cpu(lambda: _sqlite(predictions, labels)))
    mine, other = statistics.median(ours), statistics.median(theirs)
    memory = float(
        subprocess.run(
            [sys.executable, "-m", "tests.bench.join"], stdout=subprocess.PIPE, check=True, timeout=300
        ).stdout
    )
    detail = {"rows": ROWS, "batch": BATCH, "rounds": ROUNDS, "ours": ours, "sqlite": sqlite3.sqlite_version}
    return [
        Measure("join", mine, other, 1 / 15, "s", detail),
        Measure("join-cpu", mine, LARGEST_CPU_S, 1, "s", detail, "limit"),
        Measure("join-memory", memory, LARGEST_ROW_BYTES, 1, "B/row", {"rows": ROWS, "scores": 2}, "limit"),
    ]


def _join(predictions: list[bytes], labels: list[bytes]) -> None:
    join, windows = _filled(predictions, labels)
    found = sum(len(join.labels(window)[0][0]) for window in windows)
    assert found == sum(window.labelled for window in windows) == ROWS


def _filled(predictions: list[bytes], labels: list[bytes], *, rows: bool = False) -> tuple[Join, list[Window]]:
    """The join of both, a label batch after each prediction batch: half of the labels come early."""
    join, windows = Join(KeyedHash(bytes(KEY_BYTES))), [Window(number) for number in range(WINDOWS)]
    for window in windows:
        join.open(window, window)
    times, codes = np.arange(BATCH), np.arange(BATCH) % 2
    for number, (raw, late) in enumerate(zip(predictions, labels, strict=True)):
        window = windows[number % WINDOWS]
        if rows:
            window.gather(_classified(raw, times, codes), {})
        join.predicted(window, Texts(raw, _ENDS))
        column = Values(CATEGORY, codes, _WHOLE, ["no", "yes"])
        join.came(Frame("label", KEY, times, Texts(late, _ENDS), {"label": column}))
    for window in windows:
        window.count(None)
    return join, windows


def _classified(raw: bytes, times, codes) -> Frame:
    scores = {f"score.{name}": Values(NUMBER, np.linspace(0, 1, BATCH), _WHOLE) for name in ("yes", "no")}
    columns = {"prediction": Values(CATEGORY, codes, _WHOLE, ["no", "yes"]), **scores}
    return Frame("prediction", KEY, times, Texts(raw, _ENDS), columns)


def _sqlite(predictions: list[bytes], labels: list[bytes]) -> None:
    store = sqlite3.connect(":memory:")
    store.execute("CREATE TABLE ids (id BLOB PRIMARY KEY, place INTEGER, label TEXT, time INTEGER) WITHOUT ROWID")
    predict = "INSERT INTO ids (id, place) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET place = excluded.place"
    label = (
        "INSERT INTO ids (id, label, time) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET label = excluded.label, time = excluded.time WHERE time IS NULL OR excluded.time >= time"
    )
    for number, (raw, late) in enumerate(zip(predictions, labels, strict=True)):
        with store:
            store.executemany(predict, [(event_id, number % WINDOWS) for event_id in _ids(raw)])
            store.executemany(label, [(event_id, "yes", row) for row, event_id in enumerate(_ids(late))])
    found = store.execute("SELECT count(*) FROM ids WHERE place IS NOT NULL AND label IS NOT NULL").fetchone()
    assert found == (ROWS,)
    store.close()


def _ids(raw: bytes) -> list[bytes]:
    return [raw[start:end] for start, end in pairwise(_ENDS.tolist())]


def _batches(seed: int) -> list[bytes]:
    """The same million ids of 32 characters in an order of the seed's own."""
    order = np.random.default_rng(seed).permutation(ROWS)
    halves = np.random.default_rng(0).integers(0, 1 << 63, (ROWS, 2))[order].tolist()
    return ["".join(f"{a:016x}{b:016x}" for a, b in halves[at : at + BATCH]).encode() for at in range(0, ROWS, BATCH)]


def _cpu(work) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def _row_bytes() -> float:
    predictions, labels = _batches(1), _batches(2)
    gc.collect()
    before = _resident()
    join, _ = _filled(predictions, labels, rows=True)
    join.settle()
    gc.collect()
    return (_resident() - before) / ROWS


if __name__ == "__main__":
    print(_row_bytes())
