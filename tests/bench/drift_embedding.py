"""Drift of embeddings: 384 numbers a row, windows of 500 rows, a reference of 20,000; beside Evidently's default.

Evidently's is a classifier that tells reference from window, whose ROC AUC is the score (`model`; drift above 0.55). It
reads raw rows of both sides each time; it is given 5,000 of the reference's, at which it needs no bootstrap. tocsin
knows the reference as profiles of 40 windows. Unchanged windows give each side the score that 5 % of them exceed; how
many changed windows exceed it is its power. What each side's own rule does stands in the detail. CPU is that of one
thread for a window: count and comparison here, the method there.

Then months of hours by the calibrated policy: half of them with topics that follow the hour of the day.
"""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.bench.measure import Measure
from tests.cloud import TOPICS, Cloud, cloud, vectors
from tocsin_collector.drift import compare, fit, policy
from tocsin_collector.frame import Frame, embedding
from tocsin_collector.profile import Layout, layout_of, profile
from tocsin_collector.verdict import FeatureVerdict, ModelKey

ROWS, REFERENCE, PEER_ROWS = 500, 40, 5_000
CLOUDS = (101, 102)
NULL, CHANGED = 40, 10
CHANGES = {
    "new topic 2 %": {"new": 0.02},
    "new topic 5 %": {"new": 0.05},
    "topics mixed 10 %": {"mix": 0.1},
    "all moved .05": {"shift": 0.05},
    "spread + 5 %": {"spread": 0.05},
}
BARRED = "new topic 5 %"
MONTHS, MONTH_DIMENSIONS, MONTH_ROWS, DAYS = 10, 128, 200, (28, 30)
ROOT = Path(__file__).parents[2]
EVIDENTLY = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np, pandas as pd
from evidently.legacy.metrics.data_drift.embedding_drift_methods import model
method = model(threshold=0.55)
with np.load(sys.argv[1]) as arrays:
    reference, windows = pd.DataFrame(arrays["reference"]), arrays["windows"]
for rows in windows:
    current = pd.DataFrame(rows)
    start = time.process_time()
    score, drifted, _ = method(current, reference)
    print(float(score), int(bool(drifted)), time.process_time() - start, flush=True)
"""


def run() -> list[Measure]:
    """Power at 5 % false alarms, CPU a window, and months without and with a change."""
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    rules: dict[str, dict[str, list[bool]]] = {"tocsin": {}, "evidently": {}}
    costs: list[float] = []
    peer_costs: list[float] = []
    for seed in CLOUDS:
        _one_cloud(seed, ours, theirs, rules, costs, peer_costs)
    detail = {
        "power_at_5_percent": {"tocsin": _powers(ours), "evidently": _powers(theirs)},
        "rule_alarms": {
            side: {kind: float(np.mean(told)) for kind, told in own.items()} for side, own in rules.items()
        },
    }
    missed = [1 - _powers(side)[BARRED] for side in (ours, theirs)]
    cost, peer = statistics.median(costs), statistics.median(peer_costs)
    alarmed, delays = _months()
    return [
        Measure("drift-embedding-missed", missed[0], max(missed[1], 1e-9), 1.0, "", detail),
        Measure("drift-embedding-cost", cost / ROWS * 1e6, peer / ROWS * 1e6, 1 / 10, "us/row", {}),
        Measure("drift-embedding-months", alarmed / MONTHS, 1.0, 0.3, "", {"delays_h": delays}, "limit"),
    ]


def _one_cloud(seed: int, ours, theirs, rules, costs: list[float], peer_costs: list[float]) -> None:
    known, draw = cloud(seed), np.random.default_rng(seed)
    pool = vectors(known, ROWS * REFERENCE, draw)
    frames = [_frame(part) for part in np.split(pool, REFERENCE)]
    layout = layout_of(frames)
    fitted = fit([profile(frame, layout) for frame in frames], layout)
    kinds = ["none"] * NULL + [kind for kind in CHANGES for _ in range(CHANGED)]
    windows = [vectors(known, ROWS, draw, **CHANGES.get(kind, {})) for kind in kinds]
    for kind, rows in zip(kinds, windows, strict=True):
        start = time.process_time()
        told = compare(fitted, profile(_frame(rows), layout), 1)
        costs.append(time.process_time() - start)
        ours.setdefault(kind, []).append(_beyond(told))
        rules["tocsin"].setdefault(kind, []).append(any(one.reasons for one in told.values()))
    chosen = draw.choice(len(pool), PEER_ROWS, replace=False)
    for kind, (score, drifted, cost_s) in zip(kinds, _evidently(pool[chosen], np.array(windows)), strict=True):
        theirs.setdefault(kind, []).append(score)
        rules["evidently"].setdefault(kind, []).append(bool(drifted))
        peer_costs.append(cost_s)


def _beyond(told: dict[str, FeatureVerdict]) -> float:
    """The worst of the embedding's three features, as a share of its bound."""
    return max((one.score or 0.0) / (one.threshold or 1.0) for one in told.values())


def _powers(scores: dict[str, list[float]]) -> dict[str, float]:
    """By change, at the score that 5 % of the unchanged windows exceed; each cloud has a level of its own."""
    found = {}
    for kind in CHANGES:
        shares = []
        for number in range(len(CLOUDS)):
            level = float(np.quantile(scores["none"][number * NULL :][:NULL], 0.95))
            shares.append(np.mean([one > level for one in scores[kind][number * CHANGED :][:CHANGED]]))
        found[kind] = float(np.mean(shares))
    return found


def _frame(rows: np.ndarray) -> Frame:
    values = embedding(rows, np.ones(len(rows), bool))
    times, ids = np.zeros(len(rows), np.int64), ["x"] * len(rows)
    return Frame("prediction", ModelKey("bench", "m", "1"), times, ids, {"feature.e": values})


def _evidently(reference: np.ndarray, windows: np.ndarray) -> list[list[float]]:
    environ = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.npz"
        np.savez(path, reference=reference, windows=windows)
        python = str(ROOT / ".venv-reports/bin/python")
        done = subprocess.run(
            [python, "-c", EVIDENTLY, path], stdout=subprocess.PIPE, text=True, check=True, env=environ, timeout=1_200
        )
    return [[float(number) for number in line.split()] for line in done.stdout.splitlines()]


def _months() -> tuple[int, list[int]]:
    """In how many months without a change anything alarms; the hours until a new topic of 5 % does, -1 for never."""
    alarmed, delays = 0, []
    for number in range(MONTHS):
        known, draw = cloud(200 + number, MONTH_DIMENSIONS), np.random.default_rng(200 + number)
        swing = 0.3 * (number % 2)
        past = [_hour(known, draw, hour, swing) for hour in range(DAYS[0] * 24)]
        layout = layout_of(past)
        fitted = policy.fit(
            [(hour * 3_600.0, profile(frame, layout)) for hour, frame in enumerate(past)], layout, window_s=3_600.0
        )
        state, onsets = policy.begin(fitted), 0
        for hour in range(DAYS[0] * 24, sum(DAYS) * 24):
            state, told = policy.step(fitted, state, hour * 3_600.0, profile(_hour(known, draw, hour, swing), layout))
            onsets += len(told.onsets)
        alarmed += onsets > 0
        delays.append(_delay(fitted, state, layout, known, draw, swing))
    return alarmed, delays


def _delay(fitted: policy.Policy, state: policy.State, layout: Layout, known: Cloud, draw, swing: float) -> int:
    begins = sum(DAYS) * 24
    for hour in range(begins, begins + 48):
        rows = _hour(known, draw, hour, swing, new=0.05)
        state, told = policy.step(fitted, state, hour * 3_600.0, profile(rows, layout))
        if told.onsets:
            return hour - begins + 1
    return -1


def _hour(known: Cloud, draw, hour: int, swing: float, **change: float) -> Frame:
    """Rows whose topics follow the hour of the day by so much."""
    turn = 1 + swing * np.sin(2 * np.pi * (hour % 24) / 24 + np.arange(TOPICS))
    return _frame(vectors(known._replace(weights=known.weights * turn), MONTH_ROWS, draw, **change))
