"""`tocsin replay` on a month after a month: 2 x 30 days x 2,000 rows an hour x 20 features (12 numeric, 8 of names).

CPU (user and system) of the whole command, imports included, as a child that reads files from disk: Parquet,
CSV through pyarrow, and CSV by the standard library alone. The limit is the bar's, no peer's: none has such a command.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tests.bench.measure import Measure

HOURS, ROWS = 720, 2_000
START_S = 1_788_220_800
SHIFTED_HOUR = 400
LIMIT_S = 60.0
WITHOUT_PYARROW = "import sys; sys.modules['pyarrow'] = None; from tocsin_collector.__main__ import main; main()"
COMMAND = {
    "parquet": ["-m", "tocsin_collector"],
    "csv": ["-m", "tocsin_collector"],
    "csv-stdlib": ["-c", WITHOUT_PYARROW],
}


def run() -> list[Measure]:
    """One run of each; each finds the one drift that is there."""
    with tempfile.TemporaryDirectory() as folder:
        for seed, name in enumerate(("reference", "current")):
            table = month(seed, START_S + seed * HOURS * 3_600, drift=name == "current")
            pq.write_table(table, os.path.join(folder, f"{name}.parquet"))
            pyarrow.csv.write_csv(table, os.path.join(folder, f"{name}.csv"))
        return [measured(form, folder) for form in COMMAND]


def measured(form: str, folder: str) -> Measure:
    """One form of the files."""
    paths = [os.path.join(folder, f"{name}.{form.partition('-')[0]}") for name in ("reference", "current")]
    options = ["replay", "--reference", paths[0], "--current", paths[1], "--time", "time", "--json"]
    child = subprocess.Popen([sys.executable, *COMMAND[form], *options], stdout=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in child.stdout]
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    first = next((at for at, line in enumerate(lines) if line["alarms"]), -1)
    if child.returncode or len(lines) != HOURS or first < SHIFTED_HOUR:
        raise ChildProcessError(f"exit code {child.returncode}, {len(lines)} windows, first alarm in window {first}")
    detail = {
        "rows": 2 * HOURS * ROWS,
        "file_bytes": sum(map(os.path.getsize, paths)),
        "hours_to_alarm": first + 1 - SHIFTED_HOUR,
    }
    return Measure(f"replay-{form}", usage.ru_utime + usage.ru_stime, LIMIT_S, 1.0, "s", detail, "limit")


def month(seed: int, start_s: int, *, drift: bool) -> pa.Table:
    """A month without drift but for the daily season, or with half a standard deviation in one feature."""
    rng = np.random.default_rng(seed)
    hour = np.repeat(np.arange(HOURS), ROWS)
    seconds = start_s + hour * 3_600 + rng.integers(0, 3_600, len(hour))
    columns = {"time": pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC"))}
    for number in range(12):
        values = rng.normal(size=len(hour)) + 0.1 * np.sin(hour * 2 * np.pi / 24)
        columns[f"n{number}"] = pa.array(values + 0.5 * (drift and number == 2) * (hour >= SHIFTED_HOUR))
    for number, size in enumerate((2, 3, 5, 12, 30, 60, 200, 2_000)):
        shares = 1 / np.arange(1, size + 1)
        codes = rng.choice(size, len(hour), p=shares / shares.sum())
        columns[f"c{number}"] = pa.array([f"value-{code}" for code in range(size)]).take(pa.array(codes))
    return pa.table(columns)
