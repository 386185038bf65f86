"""What the texts of a reference are like, window by window, and how far a window may stray from it."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from tocsin_collector.drift.ratio import Counts, RatioReference, ratios
from tocsin_collector.drift.spread import Spread, chance, folds, spread, strays
from tocsin_collector.quality.text.measure import UNIT, TextCounts
from tocsin_collector.quality.text.private import KINDS

SHARE = 0.2
"""Of the chance of a false alarm that drift spends."""
JUDGED = ("empty", "refusal", "repetition", "no_json", "json_broken", *(f"personal_{kind}" for kind in KINDS))
"""Shares that alarm when they rise."""
OTHER_LANGUAGE = "other_language"
COMMON = 0.05
"""A language of at least this share of the reference's texts is one of its own."""
FEWEST_TEXTS = 30


class TextReference(NamedTuple):
    """``length`` is the mean of the texts' lengths on the log scale (doublings), ``unit_noise`` its variance a text."""

    shares: dict[str, RatioReference]
    languages: frozenset[str]
    length: float
    unit_noise: float
    texts: int
    longer: Spread
    shorter: Spread


def fit(windows: Sequence[TextCounts]) -> TextReference | None:
    """Learn it from the reference's windows, in order of time. None where they hold no texts."""
    used = [window for window in windows if window.texts]
    total = sum(window.texts for window in used)
    if not used or 2 * sum(window.wordy for window in used) <= total:
        return None
    spoken: dict[str, int] = {}
    for window in used:
        for code, texts in window.languages.items():
            spoken[code] = spoken.get(code, 0) + texts
    languages = frozenset(code for code, texts in spoken.items() if texts >= COMMON * total)
    alpha = SHARE * chance(len(used), len(JUDGED) + 3)
    rows = np.array([window.texts for window in used], np.int64)
    hits = {name: [window.holds[name] for window in used] for name in JUDGED}
    hits[OTHER_LANGUAGE] = [foreign(window, languages) for window in used]
    shares = {name: _share(np.array(found, np.int64), rows, alpha) for name, found in hits.items()}
    return TextReference(shares, languages, *_lengths(used, alpha))


def foreign(counts: TextCounts, languages: frozenset[str]) -> int:
    """How many texts are of none of the languages."""
    return sum(texts for code, texts in counts.languages.items() if code not in languages)


def _share(hits: Counts, rows: Counts, alpha: float) -> RatioReference:
    found = ratios(hits, rows)
    return RatioReference(found.ratio, found.worst, found.rows, spread(found.strays, alpha), alpha)


def _lengths(windows: Sequence[TextCounts], alpha: float) -> tuple[float, float, int, Spread, Spread]:
    rows = np.array([window.texts for window in windows], np.float64)
    sums = np.array([window.length / UNIT for window in windows])
    total, mean = float(rows.sum()), float(sums.sum() / rows.sum())
    squares = sum(window.length_squared for window in windows) / UNIT**2
    unit_noise = max(squares / total - mean * mean, 1e-6)
    deviations, noise = np.zeros(len(rows)), unit_noise / rows
    for fold in folds(len(rows)):
        rest = total - rows[fold].sum()
        deviations[fold] = sums[fold] / rows[fold] - (sums.sum() - sums[fold].sum()) / rest
        noise[fold] += unit_noise / rest
    longer, shorter = (spread(strays(side * deviations, noise), alpha) for side in (1.0, -1.0))
    return mean, unit_noise, int(total), longer, shorter


def length_bounds(known: TextReference, texts: int) -> tuple[float, float]:
    """How far the mean length of a window of so many texts may be below and above the reference's, in doublings."""
    noise = known.unit_noise * (1 / max(texts, 1) + 1 / known.texts)
    least = 4 * sqrt(noise)  # fewer windows than two teach nothing of the process
    return max(known.shorter.bound(noise), least), max(known.longer.bound(noise), least)
