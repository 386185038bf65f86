"""What fitting leaves and stepping needs: the policy and its state."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.policy.innovation import Filter, Models
from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.season import Clock
from tocsin_collector.drift.policy.statistics import Counts, Groups, Mask, Places, Streams
from tocsin_collector.drift.policy.tail import Tails
from tocsin_collector.profile import Layout


class Signal(NamedTuple):
    """What can be drifting: one kind of one feature."""

    feature: str
    kind: str
    """mean, spread, shape, missing, location, category, new or invalid."""


class Rare(NamedTuple):
    """What the reference says of new and of invalid values, two rows by feature."""

    hits: Counts
    rows: Counts
    burst: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """What is normal for one model version, learnt once from a reference."""

    layout: Layout
    window_s: float
    rate: float
    """Stated chance of any false alarm in 30 days."""
    level: float
    """Nats that an alarm needs."""
    signals: tuple[Signal, ...]
    spiky: tuple[str, ...]
    """Features whose reference shows shocks so heavy that the stated rate is not held."""
    clock: Clock
    groups: Groups
    streams: Streams
    followed: Mask
    """Streams that the reference showed often enough."""
    season: Floats
    models: Models
    scale: Floats
    tails: Tails
    signal_feature: Places
    """The number of each signal's feature."""
    signal_starts: Places
    """Where each signal's streams begin; new and invalid come after them."""
    rare: Rare
    end: Filter
    end_s: float
    windows: int


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the windows so far have made of it. Arrays are never written to: a state that is kept stays as it is."""

    time_s: float
    filter: Filter
    sums: Floats
    since_s: Floats
    """Where each sum left 0 the last time."""
    open: NDArray[np.bool_]
    begun_s: Floats
    """Where the evidence of each open incident begins."""
    most: Floats
    """The most evidence that each open incident had; of what is not open, that of the last window."""
    hot_s: Floats
    """The last window in which each signal was near the level."""
