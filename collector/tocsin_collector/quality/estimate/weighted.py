"""The reference's labels weighted until its features look like the window's: what covariate shift alone would do.

The weighted rows calibrate the scores anew (as NannyML's M-CBPE does with a classifier's density ratio; here raking
takes its place, which needs no row of the window). A regression's errors are averaged by the same weights.
Five strata a feature: they remove nine tenths of a shift in the mean (Cochran 1968), and few rows fill more.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.profile.coarse import CODES, GROUPS, Codes
from tocsin_collector.quality.estimate import calibrated
from tocsin_collector.quality.estimate.isotonic import Grouped
from tocsin_collector.quality.estimate.known import Known
from tocsin_collector.quality.estimate.raking import rake
from tocsin_collector.quality.measure import MAE, RMSE

Floats = NDArray[np.float64]

STRATA = 5
_CELLS = STRATA + 1  # and one for what is missing


class Weighted(NamedTuple):
    """``known`` are the reference's rows without their codes; ``strata`` (features x codes) the stratum of each code,
    ``rows`` that of each row."""

    known: Known
    grouped: tuple[Grouped, ...]
    strata: Codes
    rows: Codes
    cuts: Floats
    """Where a regression's predictions are parted."""


def fit(known: Known) -> Weighted:
    """Learn it from the reference's rows."""
    strata = np.array([_strata(codes) for codes in known.codes]).reshape(len(known.codes), CODES).astype(np.uint8)
    rows = np.take_along_axis(strata, known.codes.astype(np.intp), axis=1)
    grouped, cuts = calibrated.groups(known) if known.classes else (), np.empty(0)
    if not known.classes:
        cuts = np.unique(np.quantile(known.table[0], np.arange(1, STRATA) / STRATA))
        rows = np.vstack([rows, np.searchsorted(cuts, known.table[0], side="right").astype(np.uint8)])
    return Weighted(known._replace(codes=known.codes[:0]), grouped, strata, rows, cuts)


def estimate(model: Weighted, table: Floats, shares: Floats) -> dict[str, float]:
    """The scores to expect of a window's rows, whose features have these shares of codes."""
    pairs = zip(model.strata, shares, strict=True)
    wanted = [np.bincount(strata, share, _CELLS).astype(np.float64) for strata, share in pairs]
    if model.known.classes:
        weights = rake(model.rows, wanted)
        return calibrated.estimate(calibrated.fit(model.known, model.grouped, weights), table)
    predicted = np.bincount(np.searchsorted(model.cuts, table[0], side="right"), minlength=len(model.cuts) + 1)
    weights = rake(model.rows, [*wanted, predicted / len(table[0])])
    errors = np.abs(model.known.table[0] - model.known.truth)
    return {
        MAE: float(np.average(errors, weights=weights)),
        RMSE: float(np.sqrt(np.average(errors**2, weights=weights))),
    }


def _strata(codes: Codes) -> Codes:
    """Codes taken together until each stratum has about the same share of the rows."""
    counts = np.bincount(codes, minlength=CODES)[1:]
    middle = (np.cumsum(counts) - counts / 2) / max(int(counts.sum()), 1)
    found = np.minimum((middle * STRATA).astype(np.uint8), STRATA - 1)
    return np.concatenate([[STRATA], found[:GROUPS]]).astype(np.uint8)
