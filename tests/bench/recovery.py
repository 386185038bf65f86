"""A collector's start on ten million events, all that it knows from the snapshot; beside it, from the journal alone.

The journal is written once, in blocks of 1,000 events of 20 features with random ids, 14 hours of event time, of a
model with a reference, so that each window has its profile. Each start is a process of its own: its CPU, fitting the
reference and the table of ids included, is what it used from the first byte that it read until it could judge an event.
``EVENTS`` in the environment makes it smaller.
"""

import asyncio
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
COMMITS = 200
START_US = 1_795_000_000_000_000


def run() -> list[Measure]:
    """Wall time until everything can be scraped, and CPU; what the snapshot costs while events go on."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        wire_bytes = _write(Path(folder))
        anew = _start(folder)  # there is no snapshot yet: it is written at the end
        known = [_start(folder) for _ in range(ROUNDS)]
        sizes = {path.name: path.stat().st_size for path in Path(folder).iterdir()}
    segments = sum(size for name, size in sizes.items() if name.endswith(".journal"))
    names = ("scrape_s", "cpu_s", "event_s", "scrape_cpu_s")
    scrape_s, cpu_s, event_s, scrape_cpu_s = (statistics.median(one[name] for one in known) for name in names)
    common = {"events": EVENTS, "journal_bytes": segments, "snapshot_bytes": sizes["snapshot"]}
    common |= {"until_an_event_s": event_s, "until_the_scrape_cpu_s": scrape_cpu_s}
    return [
        Measure("recovery_first_scrape", scrape_s, 1.0, 1.0, "s", common, "limit"),
        Measure("recovery_cpu", cpu_s, 4.0, 1.0, "s", common, "limit"),
        Measure("recovery_from_snapshot", cpu_s, anew["cpu_s"], 1.0, "s", common, "journal"),
        Measure("snapshot_pause", anew["pause_s"], 0.05, 1.0, "s", {**common, **anew}, "limit"),
        Measure("journal_bytes_per_wire_byte", segments, wire_bytes, 1.05, "B", common, "wire"),
        *_databases(),
    ]


def _databases() -> list[Measure]:
    """What `journal.store = "sqlite"` costs beside segments: CPU and time an event, in commits of 1,000 and of 32."""
    found: list[Measure] = []
    for rows in (ROWS, 32):
        rounds = {name: [_committed(name, rows) for _ in range(ROUNDS)] for name in ("sqlite", "segments")}
        for number, what in enumerate(("cpu", "time")):
            ours, theirs = (statistics.median(one[number] for one in rounds[name]) for name in ("sqlite", "segments"))
            name = f"journal_of_databases_{what}_at_{rows}"
            found.append(Measure(name, ours, theirs, 5.0, "us", {"rows": rows}, "segments"))
    return found


def _committed(store: str, rows: int) -> tuple[float, float]:
    """CPU and time of a commit, microseconds an event."""
    from tocsin_collector.ingest.intake import BLOCK_RECORD
    from tocsin_collector.journal import open_journal

    body = _block(_events(random.Random(7), rows), 0)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        journal = open_journal(folder, store=store)
        journal.commit([(BLOCK_RECORD, body)])
        began, cpu_began = time.perf_counter(), time.process_time()
        for _ in range(COMMITS):
            journal.commit([(BLOCK_RECORD, body)])
        took = time.process_time() - cpu_began, time.perf_counter() - began
        journal.close()
    return took[0] / COMMITS / rows * 1e6, took[1] / COMMITS / rows * 1e6


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


def _start(folder: str) -> dict[str, Any]:
    command = [sys.executable, "-c", f"from tests.bench.recovery import start; start({folder!r})"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=900)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def start(folder: str) -> None:
    """One start in this process, up to where it would take requests, and a stop; prints what they cost."""
    from tests.collector.exposed import BUDGET, text
    from tocsin_collector.export.exposition import columns
    from tocsin_collector.export.metrics import Metrics
    from tocsin_collector.frame import frame
    from tocsin_collector.ingest.intake import Intake, Windows
    from tocsin_collector.journal import open_journal
    from tocsin_collector.monitor.monitor import Monitor
    from tocsin_collector.monitor.reference_file import ReferenceRows
    from tocsin_collector.monitor.windows import Calendar
    from tocsin_schema.block import decode

    rows = frame(decode(_block(_events(random.Random(3), ROWS), 0)))
    began, cpu_began = time.perf_counter(), time.process_time()
    monitor = Monitor(Calendar(), keep=400, min_rows=200, on_verdict=lambda verdict: None)
    monitor.set_reference(rows.key, ReferenceRows(rows, None, {}), {})
    journal = open_journal(folder)
    intake = Intake(journal, monitor.apply, windows=Windows(monitor.state, monitor.load, monitor.own))
    intake.recover()
    monitor.tick()
    scrape = asyncio.run(text(Metrics(monitor.models, lambda: columns(intake.samples()), BUDGET)))
    found = {"scrape_s": time.perf_counter() - began, "scrape_cpu_s": time.process_time() - cpu_began}
    asyncio.run(intake.remember())
    found |= {"event_s": time.perf_counter() - began, "cpu_s": time.process_time() - cpu_began}
    counted = [window.profile for model in monitor.models() for window in model.windows.values()]
    assert sum(profile.rows for profile in counted if profile) == EVENTS
    assert f'tocsin_events_accepted_total{{type="prediction"}} {EVENTS}\n'.encode() in scrape
    print(json.dumps(found | asyncio.run(_stop(intake))))
    journal.close()


async def _stop(intake: Any) -> dict[str, float]:
    """Write the snapshot where there is none; the longest that it kept the event loop."""
    closing = asyncio.create_task(intake.close())
    began = seen = time.perf_counter()
    longest = 0.0
    while not closing.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, seen = max(longest, now - seen), now
    return {"pause_s": longest, "stop_s": seen - began}
