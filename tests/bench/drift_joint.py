"""Joint drift with marginals as ever: 20 features, windows of 2,000 rows, one pair whose dependence changes.

The reference is 40 windows; 200 windows more without a change give the score that 5 % of them exceed, 200 with the
change say how many exceed it. What the rule itself does, whose bound is far stricter, stands in the detail. CPU is that
of counting the pairs of a window, a thread alone.
"""

import statistics
import time

import numpy as np

from tests.bench.measure import Measure
from tocsin_collector.drift import joint
from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile import layout_of
from tocsin_collector.profile.pairs import pairs_of, profile_pairs
from tocsin_collector.verdict import NUMBER, JointVerdict, ModelKey

FEATURES, ROWS, REFERENCE, WINDOWS = 20, 2_000, 40, 200
RATE, MISSED, COST_US = 0.05, 0.05, 1.5


def run() -> list[Measure]:
    """Power at a false-alarm rate of 5 % and the cost of a row."""
    rng = np.random.default_rng(20_261_127)
    normal = [_frame(rng, _pair(rng, 0.5)) for _ in range(REFERENCE)]
    layout = layout_of(normal)
    known = joint.fit([profile_pairs(frame, layout) for frame in normal])
    kinds = {
        "none": lambda: _pair(rng, 0.5),
        "correlation .5 to .4": lambda: _pair(rng, 0.4),
        "correlation .5 to .3": lambda: _pair(rng, 0.3),
        "size of a fifth of both alike": lambda: _sizes_alike(rng, 0.2),
        "both means by a half": lambda: _pair(rng, 0.5) + 0.5,
    }
    found = {kind: _scores(rng, draw, layout, known) for kind, draw in kinds.items()}
    level = float(np.quantile([one.score for one in found["none"]], 1 - RATE))
    power = {kind: float(np.mean([one.score > level for one in scores])) for kind, scores in found.items()}
    alarms = {kind: float(np.mean([one.score > one.threshold for one in scores])) for kind, scores in found.items()}
    costs = [_cost_us(frame, layout) for frame in normal]
    detail = {"power_at_5_percent": power, "rule_alarms": alarms, "score_ms": _score_ms(known, normal[0], layout)}
    detail |= {"pairs": len(pairs_of(layout)), "level": level, "threshold": found["none"][0].threshold}
    return [
        Measure("drift-joint-missed", 1 - power["correlation .5 to .3"], MISSED, 1, "", detail, "limit"),
        Measure("drift-joint-cost", statistics.median(costs), COST_US, 1, "us/row", {}, "limit"),
    ]


def _scores(rng, draw, layout, known) -> list[JointVerdict]:
    return [joint.score(known, profile_pairs(_frame(rng, draw()), layout)) for _ in range(WINDOWS)]


def _pair(rng, correlation: float) -> np.ndarray:
    first, second = rng.normal(size=(2, ROWS))
    return np.stack([first, correlation * first + (1 - correlation**2) ** 0.5 * second])


def _sizes_alike(rng, share: float) -> np.ndarray:
    """As ever, but of some rows the second is as far from the middle as the first, on either side."""
    pair = _pair(rng, 0.5)
    rows = rng.random(ROWS) < share
    pair[1, rows] = (pair[0] * rng.choice([-1, 1], ROWS))[rows]
    return pair


def _frame(rng, pair: np.ndarray) -> Frame:
    """The pair among features that have something in common."""
    others = 0.8**0.5 * rng.normal(size=(FEATURES - 2, ROWS)) + 0.2**0.5 * rng.normal(size=ROWS)
    whole = np.ones(ROWS, bool)
    columns = {
        f"feature.{number:02}": Values(NUMBER, data, whole) for number, data in enumerate(np.vstack([pair, others]))
    }
    return Frame("prediction", ModelKey("bench", "m", "1"), np.zeros(ROWS, np.int64), ["x"] * ROWS, columns)


def _cost_us(frame: Frame, layout) -> float:
    start = time.process_time()
    for _ in range(10):
        profile_pairs(frame, layout)
    return (time.process_time() - start) / 10 / ROWS * 1e6


def _score_ms(known, frame: Frame, layout) -> float:
    counted = profile_pairs(frame, layout)
    start = time.process_time()
    for _ in range(50):
        joint.score(known, counted)
    return (time.process_time() - start) / 50 * 1e3
