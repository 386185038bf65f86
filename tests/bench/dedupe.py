"""What it costs to tell two million events from those before them: random ids beside ids that rise."""

import random
import statistics
import time
from collections.abc import Callable

from tests.bench.measure import Measure

EVENTS, ROWS, ROUNDS = 2_000_000, 1_000, 5
START_US = 1_795_000_000_000_000


def run() -> list[Measure]:
    """CPU an id, medians of alternating rounds; memory an id."""
    rng = random.Random(3)
    kinds: dict[str, Callable[[int], str]] = {
        "random": lambda number: f"{rng.getrandbits(128):032x}",
        "rising": lambda number: f"{number:032x}",
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, id_of in kinds.items():
            cpu_us, size_bytes = _judged(id_of)
            found[name].append(cpu_us)
    random_us, rising_us = (statistics.median(found[name]) for name in ("random", "rising"))
    detail = {"events": EVENTS, "bytes_an_id": size_bytes / EVENTS}
    return [Measure("dedupe_random_ids", random_us, rising_us, 1.2, "us", detail, "rising")]


def _judged(id_of: Callable[[int], str]) -> tuple[float, int]:
    """CPU in us an event, and bytes of memory at the end. Making the events is not counted."""
    from tests.collector.ingest.blocks import block
    from tocsin_collector.frame import frame
    from tocsin_collector.ingest.dedupe import Dedupe
    from tocsin_schema.block import column

    dedupe, used = Dedupe(90_600.0, 1 << 30), 0.0
    for number in range(EVENTS // ROWS):
        first = number * ROWS
        columns = [
            column("time", list(range(START_US + first, START_US + first + ROWS)), "time"),
            column("id", [id_of(first + row) for row in range(ROWS)], "str"),
            column("prediction", ["yes"] * ROWS, "dict"),
        ]
        sent = block("prediction", columns, sequence=number)
        began = time.process_time()
        judged = dedupe.judge([sent], frame(sent))
        dedupe.keep()
        used += time.process_time() - began
        assert judged.accepted.size == ROWS
    return used / EVENTS * 1e6, dedupe.size_bytes
