"""A million values of a segment in an hour against the collector: its series stay within the budget, no row is lost.

A real collector gets blocks of 10,000 events, each with a user of its own as a segment, and a hundred busy users among
them; then the window closes and /metrics is scraped. The bar is the model's budget.
"""

import re
import tempfile
import time
from pathlib import Path

from tests.bench.measure import Measure
from tests.servers.process import free_port, until
from tests.system.beside import Collector, collector
from tocsin_schema.block import MEDIA_TYPE, Block, column, encode

VALUES, ROWS, BUDGET = 1_000_000, 10_000, 500
HOUR_US = 3_600_000_000
START_US = 1_790_000_000_000_000 // HOUR_US * HOUR_US


def run() -> list[Measure]:
    """One bar."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"windows__length_s": 3_600, "windows__lateness_s": 0, "metrics__series_per_model": BUDGET}
        with collector(Path(folder), free_port(), **settings) as found:
            before_kib = _rss_kib(found)
            for number in range(VALUES // ROWS):
                users = [f"u{number * ROWS + row}" if row % 100 else f"busy{row}" for row in range(ROWS)]
                _send(found, number, START_US, users)
            _send(found, VALUES // ROWS, START_US + 2 * HOUR_US, ["last"])
            text = str(until(lambda: _closed(found), "the window is closed", limit_s=120))
            started = time.perf_counter()
            found.get("/metrics")
            scrape_s, after_kib = time.perf_counter() - started, _rss_kib(found)
    series = [line for line in text.splitlines() if 'project="bench"' in line]
    rows = [float(line.rpartition(" ")[2]) for line in series if line.startswith("tocsin_window_segment_rows{")]
    assert sum(rows) == VALUES, sum(rows)
    detail = {
        "rows by segment": sum(rows),
        "busy users shown": sum('value="busy' in line for line in series),
        "scrape_ms": scrape_s * 1e3,
        "rss_kib before and after": [before_kib, after_kib],
    }
    return [Measure("collector-cardinality", len(series), BUDGET, 1.0, "series", detail, against="limit")]


def _send(found: Collector, sequence: int, time_us: int, users: list[str]) -> None:
    columns = [
        column("time", [time_us + row for row in range(len(users))], "time"),
        column("id", [f"{sequence}-{row}" for row in range(len(users))], "str"),
        column("prediction", ["yes"] * len(users), "str"),
        column("segment.user", users, "str"),
    ]
    block = Block(
        "prediction",
        project="bench",
        model="credit",
        version="3",
        rows=len(users),
        producer="f" * 32,
        sequence=sequence,
        columns={item.name: item for item in columns},
    )
    answer = found.send("POST", "/v1/events", encode(block), MEDIA_TYPE)
    assert answer["accepted"] == len(users), answer


def _closed(found: Collector) -> str:
    text = found.get("/metrics")
    return text if "tocsin_window_segment_rows{" in text else ""


def _rss_kib(found: Collector) -> int:
    process = found.server._process
    assert process is not None
    with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as file:
        (kib,) = re.findall(r"^Rss: +(\d+) kB", file.read(), re.MULTILINE)
    return int(kib)
