"""The second opinion of a day, beside scikit-learn's boosted trees as a two-sample test: three features together.

20 features: numbers of which some go together, categories of 2 to 30 names, one that is missing in half of the rows,
one whose dependence sways from day to day. 28 days of 3,072 rows are the reference; 200 more without a change say how
often the rule alarms falsely, 40 of each kind of change how often it sees it. Seeds were fixed before the first run.

The peer (Lopez-Paz and Oquab 2017) gets the same codes, a day and as many rows of the reference: trees learn on one
half to tell them apart, and their AUC on the other half is held against chance at the same stated rate. Its days do not
sway: of those that do, it takes half of the unchanged for changed. CPU is that of a look.
"""

import statistics
import time
from functools import partial
from math import sqrt
from statistics import NormalDist

import numpy as np

from tests.bench.measure import Measure
from tocsin_collector.drift import daily
from tocsin_collector.profile.coarse import GROUPS

SEED, DAYS, NULLS, CHANGED, PEERS = 20_261_128, 28, 200, 40, 10
RATE = 0.05
EDGES = [NormalDist().inv_cdf(at / GROUPS) for at in range(1, GROUPS)]
NAMES = [f"f{number:02}" for number in range(20)]


def run() -> list[Measure]:
    """Power at a false-alarm rate of 5 % a day, the rule's own false alarms and misses, and the cost of a look."""
    rng = np.random.default_rng(SEED)
    reference = [_day(rng) for _ in range(DAYS)]
    start = time.process_time()
    known = daily.fit(reference)
    fit_s = time.process_time() - start
    nulls = [daily.score(known, _day(rng), NAMES) for _ in range(NULLS)]
    kinds = {
        "three features' signs in 20 %": partial(_day, xor=0.2),
        "three features' signs in half": partial(_day, xor=0.5),
        "a category with two numbers in half": partial(_day, mixed=0.5),
        "missing with two numbers in half": partial(_day, gone=0.5),
        "correlation .5 to .4": partial(_day, correlation=0.4),
    }
    level = float(np.quantile([one.score for one in nulls], 1 - RATE))
    costs, power, alarms, trees = [], {}, {}, {}
    steady = [_day(rng, swaying=0.0) for _ in range(DAYS)]
    for kind, draw in kinds.items():
        found = [_look(costs, known, draw(rng)) for _ in range(CHANGED)]
        power[kind] = float(np.mean([one.score > level for one in found]))
        alarms[kind] = float(np.mean([bool(one.reasons) for one in found]))
        trees[kind] = [_trees(rng, steady, draw(rng, swaying=0.0)) for _ in range(PEERS)]
    trees["none"] = [_trees(rng, steady, _day(rng, swaying=0.0)) for _ in range(2 * PEERS)]
    trees["none, days that sway"] = [_trees(rng, reference, _day(rng)) for _ in range(PEERS)]
    peer = {kind: float(np.mean([p < RATE for p, _ in found])) for kind, found in trees.items()}
    detail = {"power_at_5_percent": power, "rule_alarms": alarms, "trees_p_below_5_percent": peer}
    detail |= {"fit_s": fit_s, "level": level, "threshold": nulls[0].threshold, "products": len(known.mean)}
    detail |= {"p_below_5_percent": float(np.mean([one.p_value < RATE for one in nulls]))}
    false = float(np.mean([bool(one.reasons) for one in nulls]))
    hard = "three features' signs in 20 %"
    cost_s, peer_s = (
        statistics.median(each) for each in (costs, [cpu for found in trees.values() for _, cpu in found])
    )
    return [
        Measure("drift-daily-false-alarms", false, RATE, 1, "", detail, "limit"),
        Measure("drift-daily-missed", 1 - power[hard], 1 - peer[hard], 0.2, "", {"kind": hard}),
        Measure("drift-daily-cost", cost_s * 1e3, peer_s * 1e3, 0.1, "ms", {}),
    ]


def _look(costs, known, day):
    start = time.process_time()
    found = daily.score(known, day, NAMES)
    costs.append(time.process_time() - start)
    return found


def _day(rng, *, xor=0.0, mixed=0.0, gone=0.0, correlation=0.5, swaying=1.0, rows=daily.ROWS_MOST):
    """Features x rows, as codes. Every change leaves each feature, and each two of those that change, as ever."""
    x = rng.normal(size=(12, rows))
    x[1] = correlation * x[0] + sqrt(1 - correlation**2) * x[1]
    sway = 0.3 + 0.15 * swaying * rng.normal()
    x[3] = sway * x[4] + sqrt(max(1 - sway**2, 0)) * x[3]
    x[2] += 0.2 * swaying * rng.normal()  # a mean that sways
    x[7] = np.where(rng.random(rows) < xor, np.abs(x[7]) * np.sign(x[5] * x[6]), x[7])
    names = [1 + (rng.random(rows)[:, None] > _zipf(k)).sum(axis=1) for k in (2, 3, 5, 8, 12, 20, 30, 2)]
    names[0] = 1 + (rng.random(rows) < 0.5)
    names[0] = np.where(rng.random(rows) < mixed, 1 + ((x[8] > 0) ^ (x[9] > 0)), names[0])
    codes = np.vstack([1 + np.searchsorted(EDGES, x), *[one[None] for one in names]]).astype(np.uint8)
    hole = rng.random(rows) < 0.5
    hole = np.where(rng.random(rows) < gone, (x[8] > 0) ^ (x[10] > 0), hole)
    codes[11, hole] = 0
    return codes


def _zipf(names: int) -> np.ndarray:
    weights = 1 / np.arange(1, names + 1)
    return np.cumsum(weights / weights.sum())[:-1]


def _trees(rng, reference, day) -> tuple[float, float]:
    """The peer's p-value and its CPU seconds."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    pool = np.concatenate(reference, axis=1)
    rows = rng.choice(pool.shape[1], day.shape[1], replace=False)
    x = np.concatenate([pool[:, rows], day], axis=1).T
    y = np.repeat([0, 1], day.shape[1])
    half = rng.permutation(len(y)) % 2 == 0
    start = time.process_time()
    told = HistGradientBoostingClassifier(random_state=0).fit(x[half], y[half]).predict_proba(x[~half])[:, 1]
    cpu_s = time.process_time() - start
    now, before = (np.count_nonzero(y[~half] == side) for side in (1, 0))
    rank = np.empty(len(told))
    rank[np.argsort(told)] = np.arange(1, len(told) + 1)
    auc = (rank[y[~half] == 1].sum() - now * (now + 1) / 2) / (now * before)
    deviation = sqrt((now + before + 1) / (12 * now * before))
    return 1 - NormalDist().cdf((auc - 0.5) / deviation), cpu_s
