"""The second opinion on how features go together: of a day's sample of rows, whatever two or three of them do together.

Each feature is told as its ridit (where a value stands among the day's own values, 0 in the middle; Bross 1958), its
ridit's square and whether it is missing, all with mean 0 and variance 1 in the day itself: so what a feature does alone
does not count. The means of the products of two and of three are what is compared: for three features that is their
third joint cumulant, which is 0 whatever each pair does, unless the three depend on each other as three. Each is held
against its mean in the reference's days and against how far those stray; the score is the farthest, as a normal
deviate, and its bound is learnt from the reference's own days, each against the others, as that of ``joint``.
"""

from collections.abc import Sequence
from math import erfc, exp, isfinite, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.spread import Spread, chance, folds, normal_quantile, spread, strays
from tocsin_collector.profile.coarse import CODES, Codes
from tocsin_collector.verdict import DailyVerdict

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

FEWEST_ROWS = 500
"""A day with fewer rows has products whose means are far from normal."""
ROWS_MOST = 3_072
"""Of a day are sampled: 20 features cost 16 ms, and three that depend in a fifth of the rows are seen."""
DAYS_MOST = 42
FUNCTIONS_MOST = 64
"""All products of three of so many are 41,664: a day costs 37 ms at most, whatever the features."""
LARGEST = 3.0
"""A function that is farther out somewhere is of a value too rare for a product of three."""
SHARE = 4
"""It may cause a quarter of the false alarms that features may, on top of them, as the pairs of windows may."""
NAMED_MOST = 3
_PLAIN, _SQUARE, _MISSING = range(3)


class Functions(NamedTuple):
    """What is told of a row: the ``kinds`` of functions of the features ``of``; ``alone`` are the products in the order
    of ``_products`` whose factors are of different features, ``terms`` the factors of each of them, -1 where there are
    two."""

    of: NDArray[np.intp]
    kinds: NDArray[np.intp]
    alone: NDArray[np.intp]
    terms: NDArray[np.intp]


class DailyReference(NamedTuple):
    """The products' means in the reference's days, their variance of one row, and that between days beyond it."""

    functions: Functions
    rows: int
    mean: Floats
    noise: Floats
    process: Floats
    spread: Spread
    alpha: float


def fit(days: Sequence[Codes]) -> DailyReference | None:
    """Learn it from the reference's days (features x rows), in order of time. None without days of rows enough, or
    without two features that vary."""
    used = [day for day in days if day.shape[1] >= FEWEST_ROWS][-DAYS_MOST:]
    functions = _functions(np.concatenate(used, axis=1)) if used else None
    if functions is None or not len(functions.terms):
        return None
    told = [_told(day, functions) for day in used]
    rows = np.array([len(one) for one in told], np.float64)
    means = np.stack([_products(one)[functions.alone] for one in told])
    noise = np.mean([_products(one * one)[functions.alone] for one in told[:: -(-len(told) // 8)]], axis=0)
    pool = rows @ means / rows.sum()
    noise = np.maximum(noise - pool**2, _LEAST)
    beyond, own = np.zeros_like(means), np.ones_like(means)
    for fold in folds(len(used)):
        left = rows.sum() - rows[fold].sum()
        rest = (rows.sum() * pool - rows[fold] @ means[fold]) / left
        own[fold] = noise * (1 / rows[fold] + 1 / left)[:, None]
        beyond[fold] = (means[fold] - rest) ** 2
    usual, scale = _largest_of(len(pool))
    worst = _worst(beyond, own)
    alpha = chance(len(used), SHARE)
    known = spread(strays(worst - usual, np.full(len(worst), scale**2)), alpha)
    process = np.maximum((beyond - own).mean(axis=0), 0.0) if len(used) > 1 else np.zeros(len(pool))
    return DailyReference(functions, int(rows.sum()), pool, noise, process, known, alpha)


def score(reference: DailyReference, day: Codes, names: Sequence[str]) -> DailyVerdict | None:
    """Hold a day's rows against it; ``names`` are the features'. None with too few rows."""
    rows = day.shape[1]
    if rows < FEWEST_ROWS:
        return None
    found = _products(_told(day, reference.functions))[reference.functions.alone]
    stray = reference.noise * (1 / rows + 1 / reference.rows) + reference.process
    deviates = np.abs(found - reference.mean) / np.sqrt(stray)
    usual, scale = _largest_of(len(deviates))
    least = normal_quantile(reference.alpha / (2 * len(deviates)))
    threshold = max(least, usual + reference.spread.bound(scale**2))
    ranked = np.argsort(-np.nan_to_num(deviates, nan=np.inf), kind="stable")
    groups: dict[tuple[str, ...], float] = {}
    for at in ranked[: 20 * NAMED_MOST].tolist():
        together = tuple(names[reference.functions.of[term]] for term in reference.functions.terms[at] if term >= 0)
        groups.setdefault(together, float(deviates[at]))
    worst = groups[next(iter(groups))]
    beyond = tuple((*item,) for item in groups.items() if not item[1] <= threshold)[:NAMED_MOST]
    reasons = tuple(_sentence(together, far, threshold) for together, far in beyond)
    return DailyVerdict(rows, worst, threshold, min(1.0, len(deviates) * erfc(worst / sqrt(2))), beyond, reasons)


def _sentence(names: tuple[str, ...], found: float, threshold: float) -> str:
    # A NaN here means a damaged reference: it must wake someone, not pass for silence.
    told = f"{', '.join(names[:-1])} and {names[-1]}"
    if not (isfinite(found) and isfinite(threshold)):
        return f"{told}: {found} cannot be held against the bound {threshold}; build the reference again"
    alone = "each is alone" if len(names) == 2 else "each and each two of them are"
    return (
        f"{told} went together otherwise over the day than in the reference, whatever {alone} "
        f"({found:.1f} standard deviations, bound {threshold:.1f})"
    )


_LEAST = 0.1


def _worst(beyond: Floats, own: Floats) -> Floats:
    """The farthest product of each day, as a deviate, when only the other days say how far days stray."""
    days = len(beyond)
    if days < 2:
        return np.empty(0)
    excess = beyond - own
    process = np.maximum((excess.sum(axis=0) - excess) / (days - 1), 0.0)
    found: Floats = np.sqrt(beyond / (own + process)).max(axis=1)
    return found


def _largest_of(products: int) -> tuple[float, float]:
    """Where the largest of so many normal deviates of either sign lies and how it scatters (Gumbel's limit)."""
    usual = normal_quantile(exp(-0.5772) / (2 * products))
    return usual, pi / sqrt(6) / max(usual, 1.0)


def _functions(codes: Codes) -> Functions:
    """Those that vary in some rows and are nowhere too far out: first ridits, then what is missing, then squares."""
    tables = [_tables(one) for one in codes]
    found = [
        (feature, kind)
        for kind in (_PLAIN, _MISSING, _SQUARE)
        for feature, table in enumerate(tables)
        if 0 < np.abs(table[kind]).max() <= LARGEST
        and not (kind == _SQUARE and len(np.unique(table[_SQUARE][np.unique(codes[feature])])) < 3)
    ][:FUNCTIONS_MOST]
    of, kinds = np.array(found, np.intp).reshape(-1, 2).T
    terms = np.array(
        [(i, j, k) for i in range(len(of)) for j in range(i + 1, len(of)) for k in (-1, *range(j + 1, len(of)))],
        np.intp,
    ).reshape(-1, 3)
    features = np.where(terms < 0, [[-1, -2, -3]], of[terms])
    alone = (features[:, 0] != features[:, 1]) & (features[:, 1] != features[:, 2]) & (features[:, 0] != features[:, 2])
    return Functions(of, kinds, np.flatnonzero(alone), terms[alone])


def _tables(codes: NDArray[np.uint8]) -> Floats:
    """The three functions of a feature by code, from some rows' own shares; all 0 where one does not vary."""
    shares = np.bincount(codes, minlength=CODES) / max(len(codes), 1)
    there = shares.copy()
    there[0] = 0.0
    ridit = np.cumsum(there) - there / 2 - there.sum() / 2
    ridit[0] = 0.0
    square = ridit**2
    square -= square @ there / max(there.sum(), 1e-9)
    square[0] = 0.0
    missing = -np.full(CODES, shares[0])
    missing[0] += 1.0
    found = np.stack([ridit, square, missing])
    deviation = np.sqrt(found**2 @ shares)
    found = np.where(deviation[:, None] > 1e-6, found / np.maximum(deviation, 1e-6)[:, None], 0.0)
    found[:, shares == 0] = 0.0
    return found


def _told(codes: Codes, functions: Functions) -> Floats32:
    """Rows x functions; what does not vary in these rows is 0 in all of them."""
    tables = [_tables(one).astype(np.float32) for one in codes]
    pairs = zip(functions.of.tolist(), functions.kinds.tolist(), strict=True)
    found = np.stack([tables[feature][kind][codes[feature]] for feature, kind in pairs], axis=1)
    return np.ascontiguousarray(found, np.float32)


def _products(told: Floats32) -> Floats:
    """The mean of each product of two and of three functions, in lexical order."""
    functions, parts = told.shape[1], []
    for i in range(functions - 1):
        later = told[:, i + 1 :]
        met = told[:, i, None] * later
        means = (met.T @ later / len(told)).astype(np.float64)
        pairs = met.mean(axis=0, dtype=np.float64)
        for j in range(functions - 1 - i):
            parts.append(pairs[j : j + 1])
            parts.append(means[j, j + 1 :])
    return np.concatenate(parts) if parts else np.empty(0)
