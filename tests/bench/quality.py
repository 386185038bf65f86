"""Quality of one window of 100,000 labels of a classifier, every score with its interval; the peer is scikit-learn.

CPU of the computation alone, medians of rounds in turns. scikit-learn computes the same scores without intervals;
tocsin counts (all that a window costs that is added to others) and computes scores and intervals from the counts. The
state is what a window of 2,000 labels keeps, packed; its limit are the rows themselves: two scores and a label as
float64. The error of AUC is that of the cells against the exact one, its limit half a thousandth.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import sklearn
from sklearn import metrics as peer

from tests.bench.measure import Measure
from tocsin_collector.frame import Values
from tocsin_collector.quality.labelled import Labelled
from tocsin_collector.quality.scores import count, scores
from tocsin_collector.quality.tally import pack
from tocsin_collector.verdict import CATEGORY, NUMBER

ROWS, WINDOW, ROUNDS = 100_000, 2_000, 7
STATE_BYTES, AUC_ERROR = 48_000, 5e-4


def run() -> list[Measure]:
    """Cost against scikit-learn, state and error against their limits."""
    share, truth = _rows(ROWS, 1)
    rows = _labelled(share, truth)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.append(_cpu(lambda: scores(count(rows))))
        theirs.append(_cpu(lambda: _sklearn(share, truth)))
    mine, other = statistics.median(ours), statistics.median(theirs)
    state = len(pack(count(_labelled(*_rows(WINDOW, 2)))))
    error = max(_error(seed) for seed in range(20))
    detail = {"rows": ROWS, "rounds": ROUNDS, "sklearn": sklearn.__version__, "ours": ours, "theirs": theirs}
    return [
        Measure("quality", mine, other, 0.5, "s", detail),
        Measure("quality-state", state, STATE_BYTES, 0.15, "B", {"rows": WINDOW}, "limit"),
        Measure("quality-auc-error", error, AUC_ERROR, 1, "", {"seeds": 20, "rows": 20_000}, "limit"),
    ]


def _error(seed: int) -> float:
    """Of models with rates from half to one in a thousand."""
    share, truth = _rows(20_000, 100 + seed, rate=-seed % 7)
    found = scores(count(_labelled(share, truth)))["auc"].value
    return float(abs(found - peer.roc_auc_score(truth, share)))


def _rows(rows: int, seed: int, rate: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    share = 1 / (1 + np.exp(-(1.5 * rng.normal(size=rows) - rate)))
    return share, (rng.random(rows) < share).astype(np.int64)


def _labelled(share: np.ndarray, truth: np.ndarray) -> Labelled:
    whole = np.ones(len(share), bool)
    columns = {name: Values(NUMBER, side, whole) for name, side in (("no", 1 - share), ("yes", share))}
    return Labelled(Values(CATEGORY, truth, whole, ["no", "yes"]), None, columns)


def _sklearn(share: np.ndarray, truth: np.ndarray) -> None:
    said = (share >= 0.5).astype(np.int64)
    peer.roc_auc_score(truth, share)
    for side, happened in ((share, truth), (1 - share, 1 - truth)):
        peer.average_precision_score(happened, side)
        peer.precision_recall_curve(happened, side)
    peer.log_loss(truth, share)
    peer.brier_score_loss(truth, share)
    peer.confusion_matrix(truth, said)
    peer.precision_recall_fscore_support(truth, said)
    peer.precision_recall_fscore_support(truth, said, average="macro")
    peer.f1_score(truth, said, average="weighted")
    peer.accuracy_score(truth, said)


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
