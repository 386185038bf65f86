"""Verdicts of one model version for the snapshot: what is said of each, without the cells of its features.

The cells and the reference's shares are most of a verdict, and all verdicts of one reference have them in common: they
are left out, and what remains of the distributions, the current shares, is one column for all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from tocsin_collector.monitor import verdict_json
from tocsin_collector.verdict import Distribution, WindowVerdict

Shares = Mapping[str, Distribution]
_LEFT_OUT = Distribution((), (), ())


def verdicts_state(verdicts: Sequence[WindowVerdict]) -> dict[str, Any]:
    """All of it in two columns; ``verdicts_of`` takes them."""
    current = [
        share for verdict in verdicts for feature in verdict.features.values() for share in feature.distribution.current
    ]
    told = verdict_json.dump([_with(verdict, lambda _: _LEFT_OUT) for verdict in verdicts])
    return {"told": np.frombuffer(told, np.uint8), "current": np.array(current, np.float64)}


def verdicts_of(state: dict[str, Any], shares: Shares) -> list[WindowVerdict]:
    """The verdicts that ``state`` told, in its order; ``shares`` has the cells of each feature."""
    current = iter(state["current"].tolist())

    def distribution(name: str) -> Distribution:
        known = shares[name]
        return replace(known, current=tuple(islice(current, len(known.cells))))

    return [_with(verdict, distribution) for verdict in verdict_json.load(state["told"].tobytes())]


def _with(verdict: WindowVerdict, distribution: Callable[[str], Distribution]) -> WindowVerdict:
    features = {name: replace(one, distribution=distribution(name)) for name, one in verdict.features.items()}
    return replace(verdict, features=features)
