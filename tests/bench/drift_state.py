"""Bytes of a window's profile, and how far its distances are from scipy's on the rows.

State: the largest of eight shapes. Error: eight shapes, unchanged, moved by a fifth of the middle half's width, a fifth
wider and with a new spike, 2,000 and 20,000 rows against 100,000; the largest.
"""

import numpy as np
from scipy.stats import ks_2samp, wasserstein_distance

from tests.bench.measure import Measure
from tests.collector.drift.test_drift_measures import CHANGES, SHAPES, found, frame, numbers
from tocsin_collector.frame import Values, category
from tocsin_collector.profile import Profile, layout_of, profile
from tocsin_collector.verdict import CATEGORY

DRAWS = 5


def run() -> list[Measure]:
    """Bytes and errors against their limits."""
    rng = np.random.default_rng(1)
    texts = [" ".join(f"word{i}" for i in rng.zipf(1.3, 15) % 50_000) for _ in range(20_000)]
    state = [
        (
            "numbers-2k",
            max(_bytes(numbers(draw(rng, 2_000)), numbers(draw(rng, 100_000))) for draw in SHAPES.values()),
            2_048,
        ),
        (
            "numbers-1m",
            max(_bytes(numbers(draw(rng, 1_000_000)), numbers(draw(rng, 100_000))) for draw in SHAPES.values()),
            2_048,
        ),
        ("categories-64", _bytes(_names(rng, 64)), 1_024),
        ("ids-100k", _bytes(_names(rng, 100_000)), 6_144),
        ("texts", _bytes(category(texts)), 6_144),
        ("model-week", 168 * _hour(rng), 8e6),
    ]
    found = [Measure(f"drift-state-{name}", size, limit, 1.0, "B", {}, against="limit") for name, size, limit in state]
    return found + _errors()


def _bytes(window: Values, reference: Values | None = None) -> int:
    return len(_counted(window, reference).to_bytes())


def _counted(window: Values, reference: Values | None) -> Profile:
    return profile(frame(window), layout_of([frame(reference or window)]))


def _names(rng, size: int) -> Values:
    codes = rng.zipf(1.2, 100_000) % size if size < 100_000 else rng.permutation(100_000)
    return Values(CATEGORY, codes, np.ones(100_000, bool), [f"id-{code}" for code in range(size)])


def _hour(rng) -> int:
    """An hour of 2,000 rows of twenty features: twelve numbers, eight categories of 5 to 100,000 names."""
    block = frame(numbers(rng.normal(size=2_000)))
    draws = list(SHAPES.values())
    block.columns = {f"feature.n{i}": numbers(draws[i % len(draws)](rng, 2_000)) for i in range(12)}
    for i, size in enumerate((5, 30, 60, 200, 1_000, 5_000, 20_000, 100_000)):
        block.columns[f"feature.c{i}"] = category([f"id-{code}" for code in rng.integers(0, size, 2_000)])
    return len(profile(block, layout_of([block])).to_bytes())


def _errors() -> list[Measure]:
    worst = {"ks": 0.0, "wasserstein-sd": 0.0}
    for seed in range(DRAWS):
        for draw in SHAPES.values():
            for change in CHANGES.values():
                for rows in (2_000, 20_000):
                    rng = np.random.default_rng(1_000 * seed + rows)
                    reference, current = draw(rng, 100_000), change(rng, draw(rng, rows))
                    told = found(numbers(reference), numbers(current))[2]
                    exact = wasserstein_distance(current, reference) / reference.std()
                    ks = abs(told["ks"] - ks_2samp(current, reference).statistic)
                    worst["ks"] = max(worst["ks"], ks)
                    worst["wasserstein-sd"] = max(worst["wasserstein-sd"], abs(told["wasserstein_sd"] - exact))
    draws = DRAWS * len(SHAPES) * len(CHANGES) * 2
    return [
        Measure(f"drift-error-{name}", error, 0.001, 1.0, "", {"draws": draws}, against="limit")
        for name, error in worst.items()
    ]
