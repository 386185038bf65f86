"""A sealed segment as Parquet: bytes beside what was sent, CPU and memory; beside it, pyarrow given the same events as
rows, which is what whoever reads the journal's export would do.

Blocks of 1,000 events of 20 features with random ids, 14 hours of event time as in the bench of recovery, and blocks of
one, as JSON clients make them. A process a round, since memory is its peak.
"""

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.bench.ingest import _events
from tests.bench.measure import Measure
from tocsin_schema.block import Block, Column, column, encode

ROUNDS = 5
ROWS = 1_000
SEGMENT_BYTES = 63 << 20
START_US = 1_795_000_000_000_000
HOURS = 14
CITIES = ["red", "green", "blue", "none"]


def run() -> list[Measure]:
    """Bytes of the files against the bytes sent (bar I8), CPU an event, the peak of the process' memory."""
    blocks, singles = _rounds(ROWS), _rounds(1)
    return [
        Measure("compacted_bytes_per_wire_byte", blocks["files"], blocks["sent"], 0.75, "B", blocks, "wire"),
        Measure("compaction_cpu", blocks["cpu_us"], blocks["peer_us"], 1.0, "us", blocks, "pyarrow_rows"),
        Measure(
            "compaction_cpu_of_single_events", singles["cpu_us"], singles["peer_us"], 1.0, "us", singles, "pyarrow_rows"
        ),
        Measure("compaction_peak_memory", blocks["rss_mib"], 512, 1.0, "MiB", blocks, "limit"),
    ]


def _rounds(rows: int) -> dict[str, float]:
    command = [sys.executable, "-c", f"from tests.bench.compaction import once; once({rows})"]
    found = [
        json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=600).stdout)
        for _ in range(ROUNDS)
    ]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def once(rows: int) -> None:
    """Fill a segment, compact it, let the peer write some of its like; prints what that took."""
    from tocsin_collector.compaction.compaction import Compaction
    from tocsin_collector.compaction.folder import Folder

    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        root = Path(name)
        events, sent = _fill(root / "journal", rows)
        folder = Folder(root / "parquet")
        compaction = Compaction(root / "journal", folder)
        began = time.process_time()
        list(compaction.look())
        used = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        files = [path.stat().st_size for path in folder.files()]
        counted = {sample.name: sample.value for sample in compaction.samples()}
        assert counted["tocsin_parquet_rows_total"] == events
        peer = _peer(root)
    found = {"events": events, "sent": sent, "files": sum(files), "count": len(files), "cpu_us": used / events * 1e6}
    print(json.dumps(found | {"peer_us": peer, "rss_mib": peak / 1024}))


def _fill(folder: Path, rows: int) -> tuple[int, int]:
    """One sealed segment; its events, and the bytes that were sent."""
    from tocsin_collector.ingest.intake import BLOCK_RECORD
    from tocsin_collector.journal import open_journal

    rng, journal = np.random.default_rng(7), open_journal(folder)
    sizes: list[int] = []
    waiting: list[tuple[int, bytes]] = []
    step_us = HOURS * 3_600_000_000 // (SEGMENT_BYTES * rows // (214_000 if rows > 1 else 2_000))
    while sum(sizes) < SEGMENT_BYTES:
        first = START_US + len(sizes) * rows * step_us
        body = encode(_block(rng, rows, first, step_us, len(sizes)))
        sizes.append(len(body))
        waiting.append((BLOCK_RECORD, body))
        if len(waiting) * rows >= ROWS:
            journal.commit(waiting)
            waiting = []
    journal.commit(waiting)
    journal.close()
    return len(sizes) * rows, sum(sizes)


def _block(rng: np.random.Generator, rows: int, first: int, step_us: int, sequence: int) -> Block:
    columns = [
        Column("time", "time", (first + np.arange(rows) * step_us).astype("<i8").tobytes()),
        column("id", [rng.bytes(16).hex() for _ in range(rows)], "str"),
        *(Column(f"feature.f{n}", "f64", rng.normal(size=rows).tobytes()) for n in range(14)),
        *(Column(f"feature.i{n}", "i64", rng.integers(100, size=rows).tobytes()) for n in range(3)),
        *(_text(f"feature.c{n}", CITIES, rng, rows) for n in range(3)),
        _text("prediction", ["yes", "no"], rng, rows),
        Column("score.yes", "f64", rng.random(rows).tobytes()),
        Column("latency_s", "f64", (rng.random(rows) / 100).tobytes()),
    ]
    return Block(
        "prediction",
        project="bench",
        model="credit",
        version="3",
        rows=rows,
        producer=f"{rows:032x}",
        sequence=sequence,
        columns={item.name: item for item in columns},
    )


def _text(name: str, values: list[str], rng: np.random.Generator, rows: int) -> Column:
    return Column(name, "dict", rng.integers(len(values), size=rows).astype("<u4").tobytes(), values=values)


def _peer(root: Path) -> float:
    """Microseconds an event of pyarrow that gets the events as Python objects."""
    import pyarrow as pa
    from pyarrow import parquet

    events = _events(random.Random(7), 10 * ROWS)
    began = time.process_time()
    parquet.write_table(pa.Table.from_pylist(events), root / "peer.parquet", compression="zstd")
    return (time.process_time() - began) / len(events) * 1e6
