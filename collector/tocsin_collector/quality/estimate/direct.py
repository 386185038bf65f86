"""DLE: learn how large a regression's errors are where, then say it of rows whose label has not come.

Boosted oblivious trees (each level asks all rows the same question, as CatBoost's do) over the codes of the features
and of the prediction: a row costs one look-up a tree. The answers are whole numbers in fixed point, so that a window's
sums are the same in whatever blocks its rows came.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.profile.coarse import CODES, GROUPS, Codes
from tocsin_collector.quality.estimate.known import Known
from tocsin_collector.quality.measure import MAE, RMSE

Floats = NDArray[np.float64]

TREES, DEPTH, RATE = 60, 5, 0.3
PRIOR_ROWS = 10.0
"""What a leaf must overcome before it says anything else than its parent."""
_STEPS = 1 << 20
"""Steps of the fixed point in the mean loss of the reference."""


class Tree(NamedTuple):
    """Row ``row`` of the codes above ``cut``, level by level, makes the bits of the leaf."""

    rows: tuple[int, ...]
    cuts: tuple[int, ...]
    leaves: Floats


class Loss(NamedTuple):
    """One loss: its mean in the reference and the trees' corrections to it."""

    mean: float
    trees: tuple[Tree, ...]


class Direct(NamedTuple):
    """The absolute and the squared error; ``cuts`` part the predictions."""

    losses: tuple[Loss, Loss]
    cuts: Floats


def fit(known: Known) -> Direct:
    """Learn it from the reference's rows."""
    predicted = known.table[0]
    cuts = np.unique(np.quantile(predicted, np.arange(1, GROUPS) / GROUPS))
    errors = np.abs(predicted - known.truth)
    codes = _with_prediction(known.codes, predicted, cuts)
    return Direct((_boost(codes, errors), _boost(codes, errors**2)), cuts)


def losses(model: Direct, predicted: Floats, codes: Codes) -> NDArray[np.int64]:
    """The sums of both losses over some rows, in steps; they add up."""
    whole = _with_prediction(codes, predicted, model.cuts)
    found = []
    for loss in model.losses:
        expected = np.maximum(_answer(loss, whole), 0.0) * (_STEPS / loss.mean if loss.mean else 0.0)
        found.append(np.rint(expected).astype(np.int64).sum())
    return np.array(found, np.int64)


def estimate(model: Direct, sums: NDArray[np.int64], rows: int) -> dict[str, float]:
    """The scores to expect of so many rows with these sums."""
    absolute, squared = (float(s) / rows * loss.mean / _STEPS for s, loss in zip(sums, model.losses, strict=True))
    return {MAE: absolute, RMSE: squared**0.5}


def _with_prediction(codes: Codes, predicted: Floats, cuts: Floats) -> Codes:
    own = 1 + np.searchsorted(cuts, predicted, side="right")
    return np.vstack([codes, own.astype(np.uint8)[None, :]])


def _boost(codes: Codes, target: Floats) -> Loss:
    mean = float(target.mean())
    left, trees = target - mean, []
    for _ in range(TREES):
        tree, answer = _grow(codes, left)
        left = left - answer
        trees.append(tree)
    return Loss(mean, tuple(trees))


def _grow(codes: Codes, left: Floats) -> tuple[Tree, Floats]:
    leaf = np.zeros(len(left), np.intp)
    rows, cuts = [], []
    for level in range(DEPTH):
        row, cut = max((_best_cut(leaf * CODES + code, left, 1 << level), row) for row, code in enumerate(codes))[::-1]
        rows.append(row)
        cuts.append(cut[1])
        leaf = 2 * leaf + (codes[row] > cut[1])
    leaves = RATE * np.bincount(leaf, left, 1 << DEPTH) / (np.bincount(leaf, minlength=1 << DEPTH) + PRIOR_ROWS)
    return Tree(tuple(rows), tuple(cuts), leaves), leaves[leaf]


def _best_cut(cell: NDArray[np.intp], left: Floats, leaves: int) -> tuple[float, int]:
    """The gain of the best cut, and the cut."""
    sums = np.bincount(cell, left, leaves * CODES).reshape(leaves, CODES).cumsum(axis=1)
    counts = np.bincount(cell, minlength=leaves * CODES).reshape(leaves, CODES).cumsum(axis=1)
    above, more = sums[:, -1:] - sums, counts[:, -1:] - counts
    gains = (sums**2 / (counts + PRIOR_ROWS) + above**2 / (more + PRIOR_ROWS)).sum(axis=0)
    cut = int(gains.argmax())
    return float(gains[cut]), cut


def _answer(loss: Loss, codes: Codes) -> Floats:
    found = np.full(codes.shape[1], loss.mean)
    for tree in loss.trees:
        leaf = np.zeros(codes.shape[1], np.uint8)
        for row, cut in zip(tree.rows, tree.cuts, strict=True):
            leaf = 2 * leaf + (codes[row] > cut)
        found += tree.leaves[leaf]
    return found
