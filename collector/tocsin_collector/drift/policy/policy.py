"""What fitting leaves and stepping needs: the policy and its state."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.drift.policy.chain import Chain, Links
from tocsin_collector.drift.policy.days import Day
from tocsin_collector.drift.policy.level import Levels
from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.season import Clock
from tocsin_collector.drift.policy.statistics import Counts, Groups, Places, Streams
from tocsin_collector.profile import Layout


class Signal(NamedTuple):
    """What can be drifting: one kind of one feature."""

    feature: str
    kind: str
    """mean, spread, shape, missing (more values are), filled (fewer are), location, category, new or invalid."""


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
    levels: Levels
    signals: tuple[Signal, ...]
    spiky: tuple[str, ...]
    """Features whose reference shows shocks so heavy that the stated rate is not held."""
    clock: Clock
    groups: Groups
    streams: Streams
    season: Floats
    hourly: Chain
    """Of windows."""
    daily: Chain
    """Of what windows leave over a day."""
    signal_feature: Places
    """The number of each signal's feature."""
    signal_starts: Places
    """Where each signal's streams begin; new, invalid and filled come after them."""
    rare: Rare
    end_day: Day
    end_s: float
    windows: int

    @property
    def level(self) -> float:
        """Nats that an alarm needs, as they are told: those of the other ways are moved to it."""
        return self.levels.windows


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the windows so far have made of it. Arrays are never written to: a state that is kept stays as it is."""

    time_s: float
    hourly: Links
    daily: Links
    day: Day
    told: Floats
    """The evidence of the days before this one, by way, model and stream."""
    open: NDArray[np.bool_]
    begun_s: Floats
    """Where the evidence of each open incident begins."""
    most: Floats
    """The most evidence that each open incident had; of what is not open, that of the last window."""
    hot_s: Floats
    """The last window in which each signal was near the level."""
