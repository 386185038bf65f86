"""kill -9, torn writes, full disks and failed syncs under load: how many acknowledged events were lost or came twice.

A collector is killed 20 times on one journal, then on the next, since each start reads its journal again. Blocks have
1,000 events; one of three senders speaks JSON. ``KILLS`` in the environment makes it longer.
"""

import os
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.bench.measure import Measure
from tests.system.killing import outlive

KILLS = int(os.environ.get("KILLS", "100"))
KILLS_A_JOURNAL = 20
ROWS = 1_000


def run() -> list[Measure]:
    """Events lost, doubled or miscounted, of those that were acknowledged."""
    broken: Counter[str] = Counter()
    acknowledged = wrong = 0
    started = time.monotonic()
    for seed in range(KILLS // KILLS_A_JOURNAL):
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            found = outlive(
                Path(folder), KILLS_A_JOURNAL, rows=lambda sequence: ROWS, seed=seed, events_a_life=15 * ROWS
            )
        acknowledged += found.acknowledged
        wrong += found.lost + found.doubled + found.miscounted
        broken += found.broken
    detail = {"kills": KILLS, "faults": dict(broken), "seconds": time.monotonic() - started}
    return [Measure("kill_ingest_wrong", wrong, acknowledged, 0.0, "", detail, "acknowledged")]
