"""Drift of one window, 100,000 rows x 20 columns: profile and compare, against Evidently's DataDriftPreset.

CPU (user and system) of the computation alone: loading, imports and Evidently's HTML are on nobody's bill. The peer is
handed both sides ready as a Dataset. tocsin's figure is what a window costs once the reference is fitted; what it costs
from two raw tables, fit included, stands in the detail. The two high-cardinality columns have 200 distinct values each:
with 7,400 the peer needs 134 s, with ids that never repeat it does not end.
"""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.bench.measure import Measure
from tocsin_collector.drift import Reference, compare, fit
from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey

ROWS = 100_000
OURS, PEERS = 7, 3
GOAL = 0.05
PYTHON = Path(__file__).parents[2] / ".venv-reports" / "bin" / "python"

PEER = """
import sys, time
import numpy as np, pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
with np.load(sys.argv[1]) as arrays:
    sides = [pd.DataFrame({k.partition('.')[2]: arrays[k] if arrays[k].dtype.kind == 'f' else arrays[k].astype(object)
                           for k in arrays.files if k.startswith(side)}) for side in ('reference.', 'current.')]
numbers = [name for name, column in sides[0].items() if column.dtype.kind == 'f']
definition = DataDefinition(numerical_columns=numbers, categorical_columns=[n for n in sides[0] if n not in numbers])
def run(rows):
    reference, current = (Dataset.from_pandas(side.head(rows), definition) for side in sides)
    start = time.process_time()
    found = Report([DataDriftPreset()]).run(current, reference).dict()
    return time.process_time() - start, found['metrics'][0]['value']['count']
run(1000)  # what it loads late is not counted
print('ready', flush=True)
for line in sys.stdin:
    print(*run(len(sides[0])), flush=True)
"""


def run() -> list[Measure]:
    """Alternate both in one run; medians of seven and three."""
    reference, current = _frame(1), _frame(2)
    known = _fitted(reference)
    ours: list[float] = []
    cold: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder, _peer(reference, current, folder) as peer:
        for turn in range(OURS):
            ours.append(_cpu(lambda: compare(known, profile(current, known.layout), 200)))
            cold.append(_cpu(lambda: _fitted(reference)) + ours[-1])
            if turn < PEERS:
                theirs.append(_ask(peer))
        peer.communicate()
    detail = {
        "rows": ROWS,
        "columns": len(current.columns),
        "high_cardinality_capped_at": 200,
        "runs": [OURS, PEERS],
        "both_sides_and_fit": statistics.median(cold),
        "both_sides_and_fit_ratio": statistics.median(cold) / statistics.median(theirs),
    }
    return [Measure("drift-100k", statistics.median(ours), statistics.median(theirs), GOAL, "s", detail)]


def _fitted(reference: Frame) -> Reference:
    layout = layout_of([reference])
    return fit([profile(reference.take(rows), layout) for rows in np.array_split(np.arange(ROWS), 10)], layout)


def _cpu(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _frame(seed: int) -> Frame:
    rng = np.random.default_rng(seed)
    draws = (
        lambda: rng.normal(size=ROWS),
        lambda: rng.lognormal(size=ROWS),
        lambda: rng.random(ROWS),
        lambda: np.round(rng.exponential(20, ROWS)),
    )
    columns = {f"feature.n{i}": _number(draws[i % 4](), rng, gaps=i < 2) for i in range(12)}
    for i, size in enumerate((2, 3, 5, 12, 30, 60, 200, 200)):
        columns[f"feature.c{i}"] = _category(rng, size)
    return Frame("prediction", ModelKey("bench", "m", "1"), np.zeros(ROWS, np.int64), ["x"] * ROWS, columns)


def _number(data, rng, *, gaps: bool) -> Values:
    valid = rng.random(ROWS) >= 0.03 if gaps else np.ones(ROWS, bool)
    return Values(NUMBER, data, valid)


def _category(rng, size: int) -> Values:
    shares = 1 / np.arange(1, size + 1)
    codes = rng.choice(size, ROWS, p=shares / shares.sum())
    return Values(CATEGORY, codes, np.ones(ROWS, bool), [f"value-{code}" for code in range(size)])


def _peer(reference: Frame, current: Frame, folder: str) -> subprocess.Popen:
    source = os.path.join(folder, "tables.npz")
    sides = (("reference", reference), ("current", current))
    np.savez(source, **{f"{side}.{name}": _plain(v) for side, frame in sides for name, v in frame.columns.items()})
    env = {"PATH": os.environ["PATH"], "HOME": folder, "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}
    peer = subprocess.Popen(
        [str(PYTHON), "-W", "ignore", "-c", PEER, source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
        text=True,
    )
    if peer.stdout.readline().strip() != "ready":
        raise ChildProcessError(f"{PYTHON} with Evidently did not start: make reports")
    return peer


def _ask(peer: subprocess.Popen) -> float:
    peer.stdin.write("run\n")
    peer.stdin.flush()
    return float(peer.stdout.readline().split()[0])


def _plain(values: Values):
    if values.kind == NUMBER:
        return np.where(values.valid, values.data, np.nan)
    return np.array(values.names)[values.data]
