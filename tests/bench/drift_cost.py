"""CPU of all distances and moments of one window of 20 columns (12 numbers, 8 of texts), against NannyML, whylogs and
Evidently, 100,000 rows and a million.

Each side knows its reference; only the current window is on the bill: profile and compare here, ``calculate`` of fitted
calculators (drift and summary statistics, one chunk) there, ``why.log`` and the drift algorithms of the third, a report
of DataDriftPreset without its HTML of the fourth. tocsin tells sixteen distances a number and nine a category; the
peers those of the four that D1 names that they have, Evidently one a column. Then what one more column of ids costs
tocsin.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.bench.measure import Measure
from tocsin_collector.drift import Reference, compare, fit
from tocsin_collector.frame import Frame, Values, category
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.verdict import NUMBER, ModelKey

REFERENCE = 100_000
RUNS = {100_000: 5, 1_000_000: 3}
NAMES = (2, 3, 5, 12, 30, 60, 200, 1_000)
IDS = (7_000, 100_000)
ROOT = Path(__file__).parents[2]

LOAD = """
import sys, time, warnings
warnings.filterwarnings('ignore')
import numpy as np, pandas as pd
pd.options.future.infer_string = False  # texts as the objects that both peers were made for
def table(path):
    with np.load(path) as arrays:
        return pd.DataFrame({k: v if v.dtype.kind == 'f' else v.astype(object) for k, v in arrays.items()})
reference = table(sys.argv[1])
numbers = [name for name in reference if name[0] == 'n']
texts = [name for name in reference if name[0] == 'c']
"""
SERVE = """
run(reference.head(1000))  # what it loads late is not counted
print('ready', flush=True)
for line in sys.stdin:
    current = table(line.strip())
    start = time.process_time()
    run(current)
    print(time.process_time() - start, flush=True)
"""
NANNYML = (
    LOAD
    + """
import nannyml as nml
known = [
    nml.UnivariateDriftCalculator(column_names=numbers + texts, treat_as_categorical=texts, chunk_number=1,
        continuous_methods=['jensen_shannon', 'kolmogorov_smirnov', 'wasserstein'],
        categorical_methods=['jensen_shannon']),
    nml.SummaryStatsAvgCalculator(column_names=numbers, chunk_number=1),
    nml.SummaryStatsStdCalculator(column_names=numbers, chunk_number=1),
]
for each in known:
    each.fit(reference)
def run(current):
    for each in known:
        each.calculate(current)
"""
    + SERVE
)
WHYLOGS = (
    LOAD
    + """
import whylogs as why
from whylogs.viz.drift.column_drift_algorithms import calculate_drift_scores
known = why.log(pandas=reference).profile().view()
def run(current):
    found = why.log(pandas=current).profile().view()
    calculate_drift_scores(target_view=found, reference_view=known, with_thresholds=True)
"""
    + SERVE
)
EVIDENTLY = (
    LOAD
    + """
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
known = Dataset.from_pandas(reference, definition)
def run(current):
    Report([DataDriftPreset()]).run(Dataset.from_pandas(current, definition), known).dict()
"""
    + SERVE
)
PEERS = (
    ("nannyml", NANNYML, 1 / 6, 1 / 10),
    ("whylogs", WHYLOGS, 1 / 25, None),
    ("evidently", EVIDENTLY, 1 / 50, None),
)
ENVIRONMENTS = {"evidently": "reports"}


def run() -> list[Measure]:
    """All in one run, side by side; medians of five and, for a million rows, of three."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        reference = _columns(REFERENCE, 1)
        known = _fitted(_frame(reference))
        _save(reference, start := f"{folder}/reference.npz")
        for peer, script, texts_goal, codes_goal in PEERS:
            with _peer(peer, script, start) as process:
                for rows, runs in RUNS.items():
                    found += _beside(process, peer, known, rows, runs, (texts_goal, codes_goal), folder)
    return found + [_with_ids(known, ids) for ids in IDS]


def _save(columns: dict[str, object], path: str) -> None:
    """Write a table for the peers."""
    np.savez(path, **{name: np.array(column) for name, column in columns.items()})


def _beside(process, peer: str, known: Reference, rows: int, runs: int, goals, folder: str) -> Iterator[Measure]:
    current = _columns(rows, 2)
    _save(current, path := f"{folder}/current.npz")
    coded = _frame(current)
    texts, codes, theirs = [], [], []
    for _ in range(runs):
        texts.append(_cpu(lambda: compare(known, profile(_frame(current), known.layout), 200)))
        codes.append(_cpu(lambda: compare(known, profile(coded, known.layout), 200)))
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        theirs.append(float(process.stdout.readline()))
    detail = {"rows": rows, "columns": len(current), "runs": runs}
    name = f"drift-cost-{peer}-{rows // 1_000}k"
    peers = statistics.median(theirs)
    yield Measure(name, statistics.median(texts), peers, goals[0], "s", detail | {"from": "lists of texts"})
    if goals[1]:
        coded_detail = detail | {"from": "codes of the texts"}
        yield Measure(f"{name}-codes", statistics.median(codes), peers, goals[1], "s", coded_detail)


def _with_ids(known: Reference, ids: int) -> Measure:
    """The window with one more column of so many distinct ids, against the window without."""
    columns = _columns(REFERENCE, 1), _columns(REFERENCE, 2)
    rng = np.random.default_rng(3)
    more = [side | {"ids": [f"id-{code}" for code in _draw(rng, ids, REFERENCE)]} for side in columns]
    wider = _fitted(_frame(more[0]))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS[REFERENCE]):
        for reference, current, into in ((wider, more[1], times[0]), (known, columns[1], times[1])):
            into.append(_cpu(lambda r=reference, c=current: compare(r, profile(_frame(c), r.layout), 200)))
    with_ids, without = map(statistics.median, times)
    detail = {"distinct": ids, "rows": REFERENCE}
    return Measure(f"drift-cost-ids-{ids // 1_000}k", with_ids, without, 2.0, "s", detail, against="without")


def _draw(rng, size: int, rows: int):
    if size == rows:
        return rng.permutation(rows)
    shares = 1 / np.arange(1, size + 1)
    return rng.choice(size, rows, p=shares / shares.sum())


def _columns(rows: int, seed: int) -> dict[str, object]:
    """Numbers as arrays, texts as Python lists."""
    rng = np.random.default_rng(seed)
    draws = (rng.normal, rng.lognormal, rng.uniform, lambda size: np.round(rng.exponential(20, size)))
    numbers = {f"n{i}": draws[i % 4](size=rows) for i in range(12)}
    for i in (0, 1):
        numbers[f"n{i}"][rng.random(rows) < 0.03] = np.nan
    texts = {f"c{i}": [f"value-{code}" for code in _draw(rng, size, rows)] for i, size in enumerate(NAMES)}
    return numbers | texts


def _frame(columns: dict[str, object]) -> Frame:
    values = {f"feature.{name}": _values(column) for name, column in columns.items()}
    rows = len(next(iter(columns.values())))
    return Frame("prediction", ModelKey("bench", "m", "1"), np.zeros(rows, np.int64), range(rows), values)


def _values(column) -> Values:
    if isinstance(column, list):
        return category(column)
    return Values(NUMBER, column, np.ones(len(column), bool))


def _fitted(frame: Frame) -> Reference:
    layout = layout_of([frame])
    return fit([profile(frame.take(rows), layout) for rows in np.array_split(np.arange(frame.rows), 10)], layout)


def _cpu(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@contextmanager
def _peer(name: str, script: str, reference: str):
    environment = f".venv-{ENVIRONMENTS.get(name, name)}"
    python = ROOT / environment / "bin" / "python"
    quiet = {"NML_DISABLE_USAGE_LOGGING": "1", "WHYLOGS_NO_ANALYTICS": "True", "DO_NOT_TRACK": "1"}
    quiet |= {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [python, "-W", "ignore", "-c", script, reference],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": os.path.dirname(reference), **quiet},
        text=True,
    )
    try:
        while (line := process.stdout.readline()) != "ready\n":
            if not line:
                raise ChildProcessError(f"{python} did not start: make {environment}/.ready")
        yield process
    finally:
        process.kill()
        process.communicate()
