"""kill -9, torn writes, full disks and failed syncs under load: how many acknowledged events were lost or came twice.

A collector lives 14 times on one journal, twice with each fault of its disk, then on the next, since each start reads
its journal again. Blocks have 1,000 events; one of three senders speaks JSON. ``KILLS=1000`` in the environment makes
it more than ten million events. What each journal came to is told on stderr.
"""

import math
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.bench.measure import Measure
from tests.system.killing import FAULTS, outlive

KILLS = int(os.environ.get("KILLS", "100"))
LIVES_A_JOURNAL = 2 * len(FAULTS)
KILLS_A_JOURNAL = LIVES_A_JOURNAL - 1
"""One life ends in order, so that there is a snapshot to start from."""
ROWS = 1_000


def run() -> list[Measure]:
    """Events lost, doubled or miscounted, of those that were acknowledged."""
    broken: Counter[str] = Counter()
    kills = acknowledged = wrong = 0
    started = time.monotonic()
    for seed in range(math.ceil(KILLS / KILLS_A_JOURNAL)):
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            found = outlive(
                Path(folder), LIVES_A_JOURNAL, rows=lambda sequence: ROWS, seed=seed, events_a_life=15 * ROWS
            )
        kills += found.kills
        acknowledged += found.acknowledged
        wrong += found.lost + found.doubled + found.miscounted
        broken += found.broken
        print(f"{time.monotonic() - started:.0f} s: {kills=} {acknowledged=} {wrong=}", file=sys.stderr, flush=True)
    detail = {"kills": kills, "faults": dict(broken), "seconds": time.monotonic() - started}
    return [Measure("kill_ingest_wrong", wrong, acknowledged, 0.0, "", detail, "acknowledged")]
