"""A collector's start on ten million events: ids and counters from their snapshot, windows from the journal.

The journal is written once, in blocks of 1,000 events of 20 features with random ids, 14 hours of event time. Each
start is a process of its own, and its CPU is what it used from the first byte that it read. ``EVENTS`` in the
environment makes it smaller.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.ingest import _block, _events
from tests.bench.measure import Measure

EVENTS = int(os.environ.get("EVENTS", "10_000_000"))
ROWS = 1_000
STEP_US = 5_000
ROUNDS = 5
START_US = 1_795_000_000_000_000


def run() -> list[Measure]:
    """CPU of the whole start, and wall time until the counters can be scraped."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        wire_bytes = _write(Path(folder))
        anew = _start(folder, "ids")  # there is no snapshot yet: it is written at the end
        known = [_start(folder, "ids") for _ in range(ROUNDS)]
        whole = _start(folder, "windows")
        sizes = {path.name: path.stat().st_size for path in Path(folder).iterdir()}
    segments = sum(size for name, size in sizes.items() if name.endswith(".journal"))
    scraped_s = statistics.median(start["scrape_s"] for start in known)
    ids_s = statistics.median(start["ids_cpu_s"] for start in known)
    common = {"events": EVENTS, "journal_bytes": segments, "snapshot_bytes": sizes["snapshot"]}
    return [
        Measure("recovery_first_scrape", scraped_s, 1.0, 1.0, "s", common, "limit"),
        Measure("recovery_ids_from_snapshot", ids_s, anew["ids_cpu_s"], 1.0, "s", common, "journal"),
        Measure("recovery_with_windows", whole["cpu_s"], 4.0, 1.0, "s", {**common, **whole}, "limit"),
        Measure("journal_bytes_per_wire_byte", segments, wire_bytes, 1.05, "B", common, "wire"),
    ]


def _write(folder: Path) -> int:
    """The journal of a collector that took every block; the bytes that were sent."""
    from tocsin_collector.ingest.intake import BLOCK_RECORD
    from tocsin_collector.journal import open_journal
    from tocsin_schema.block import column, decode, encode

    rng = random.Random(7)
    block = decode(_block(_events(rng, ROWS), 0))
    journal, sent = open_journal(folder), 0
    for number in range(EVENTS // ROWS):
        first = START_US + number * ROWS * STEP_US
        block.sequence = number
        block.columns["time"] = column("time", list(range(first, first + ROWS * STEP_US, STEP_US)), "time")
        block.columns["id"] = column("id", [f"{rng.getrandbits(128):032x}" for _ in range(ROWS)], "str")
        body = encode(block)
        sent += len(body)
        journal.commit([(BLOCK_RECORD, body)])
    journal.close()
    return sent


def _start(folder: str, what: str) -> dict[str, Any]:
    command = [sys.executable, "-c", f"from tests.bench.recovery import start; start({folder!r}, {what!r})"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=900)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def start(folder: str, what: str) -> None:
    """One start in this process, up to where it would take requests; prints what it cost."""
    import asyncio

    from tocsin_collector.export.exposition import render
    from tocsin_collector.ingest.intake import Intake
    from tocsin_collector.journal import open_journal
    from tocsin_collector.monitor.monitor import Monitor
    from tocsin_collector.monitor.windows import Calendar

    monitor = Monitor(Calendar(), keep=400, min_rows=200, on_verdict=lambda verdict: None)
    began, cpu_began = time.perf_counter(), time.process_time()
    journal = open_journal(folder)
    intake = Intake(journal, monitor.apply)
    intake.restore()
    scrape = render(intake.samples())
    scrape_s, ids_cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    assert f'tocsin_events_accepted_total{{type="prediction"}} {EVENTS}\n'.encode() in scrape
    if what == "windows":
        for accepted, position in intake.journalled():
            monitor.apply(accepted, position)
    print(json.dumps({"scrape_s": scrape_s, "ids_cpu_s": ids_cpu_s, "cpu_s": time.process_time() - cpu_began}))
    asyncio.run(intake.close())
    journal.close()
