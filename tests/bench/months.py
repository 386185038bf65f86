"""Months of hourly profiles without drift, drawn as multinomial counts, and the same with one feature changed.

DESIGN families were looked at while the policy was chosen; CONFIRM families, their seeds and the number of runs were
fixed before any of them was run, and are what the benches report. Both are one author's.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import FeatureLayout, Layout, Profile
from tocsin_collector.profile.layout import TALLIES
from tocsin_collector.verdict import CATEGORY, NUMBER

HOUR_S, DAY, WEEK = 3_600.0, 24, 168
REFERENCE_HOURS, NULL_HOURS = 28 * DAY, 30 * DAY
START_S = 1_767_571_200.0  # a Monday
_MISSING, _NEW = 0, 4


@dataclass(frozen=True)
class Family:
    """What its months have in common."""

    name: str
    rows: int
    numbers: int = 12
    categories: int = 8
    traffic: str = "flat"
    """flat, daily, weekly, rising, falling, jumps"""
    season: float = 0.0
    """Standard deviations by which the mean goes with hour and day."""
    shape: str = "sine"
    """Of the season: sine, hours (any shape over the week), square (shifts of eight hours)."""
    states: tuple[tuple[float, float], ...] = ()
    """AR(1) states of the mean: rho and stationary sd, added up."""
    spread_state: tuple[float, float] = (0.0, 0.0)
    shocks: float = 0.0
    """Degrees of freedom of the states' innovations, 0 for normal ones."""
    common: float = 0.0
    """Share of the states' variance that all features have in common."""
    gaps: float = 0.0
    """Share of windows that are not there, in stretches of up to a day."""
    longest_gap: int = DAY
    calendar: str = ""
    """What is another hour of the week than the clock says: after a clock change, on a holiday."""


DESIGN = (
    Family("iid 2000", 2_000),
    Family("day and weekend 2000", 2_000, traffic="daily", season=0.2, states=((0.8, 0.05),)),
    Family("day and weekend 500", 500, traffic="daily", season=0.2, states=((0.8, 0.05),)),
    Family("AR .95", 2_000, states=((0.95, 0.1),), spread_state=(0.9, 0.03)),
    Family("60 features AR .8", 1_500, 36, 24, traffic="daily", states=((0.8, 0.07),), common=0.7),
    Family(
        "two states rising", 5_000, traffic="rising", season=0.15, shape="hours", states=((0.5, 0.03), (0.98, 0.05))
    ),
    Family("holes", 1_000, traffic="weekly", season=0.1, states=((0.7, 0.04),), gaps=0.1),
    Family("t4 shocks", 2_000, traffic="daily", states=((0.8, 0.06),), shocks=4),
)

CONFIRM = (
    Family("iid, 2,000 rows", 2_000),
    Family("iid, 300 rows", 300),
    Family("day and week, 3,000 rows", 3_000, traffic="weekly", season=0.25, shape="hours"),
    Family("day and week, 50,000 rows", 50_000, traffic="weekly", season=0.15, shape="square", states=((0.7, 0.02),)),
    Family("autocorrelated .9, 2,000 rows", 2_000, states=((0.9, 0.04),)),
    Family(
        "slow state, 1,200 rows", 1_200, traffic="daily", season=0.1, shape="hours",
        states=((0.6, 0.03), (0.98, 0.04)), spread_state=(0.9, 0.02),
    ),
    Family("traffic rises, windows missing", 2_500, traffic="rising", season=0.1, states=((0.85, 0.04),), gaps=0.05),
    Family("traffic jumps", 1_500, traffic="jumps", season=0.1, shape="square", states=((0.75, 0.03),)),
    Family(
        "100 features", 1_000, 60, 40, traffic="weekly", season=0.1, shape="hours", states=((0.9, 0.05),), common=0.8
    ),
    Family("shocks that last hours", 2_000, traffic="daily", states=((0.85, 0.05),), shocks=5, common=0.3),
)  # fmt: skip
_AR = (0.8, 0.03)
CALENDARS = (
    Family("days missing", 2_000, traffic="weekly", season=0.1, states=((0.8, 0.04),), gaps=0.15, longest_gap=4 * DAY),
    Family("a clock change", 2_000, traffic="weekly", season=0.2, shape="square", states=(_AR,), calendar="clock"),
    Family("a holiday", 2_000, traffic="weekly", season=0.2, shape="hours", states=(_AR,), calendar="holiday"),
    Family("rare shocks that last a day", 2_000, states=((0.95, 0.04),), shocks=3),
)  # fmt: skip
"""Fixed before any was run as well, later than CONFIRM."""
CALENDAR_MONTHS = 20
CONFIRM_SEED, CONFIRM_MONTHS = 20_261_127, 40


PLAIN = Calendar(length_s=HOUR_S)
CALENDAR = {
    "": (START_S, PLAIN),
    "clock": (START_S + 42 * 86_400, replace(PLAIN, zone="Europe/Paris")),
    "holiday": (START_S, replace(PLAIN, holidays=("2026-02-11",))),
}
"""When a family's months begin, and what is told of its hours of the week."""
CLOCK_CHANGE, HOLIDAY = 41 * DAY + 1, 37 * DAY
"""Hours from the start: 29 March 2026, 01:00 UTC; a Wednesday."""


@dataclass
class Month:
    """The parameters of 58 days, by feature and hour; ``profile`` draws one window."""

    layout: Layout
    rows: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    missing: np.ndarray
    shares: list[np.ndarray]
    present: np.ndarray
    start_s: float
    calendar: Calendar


def layout_for(numbers: int, categories: int) -> Layout:
    """128 cells a number by the quantiles of 20,000 rows, as a reference would have them, and a cell a category."""
    rng = np.random.default_rng(7)
    ranks = np.arange(1, 128) / 128
    features = []
    for i in range(numbers):
        edges = np.quantile(rng.normal(size=20_000), [0.0, *ranks, 1.0], method="inverted_cdf").tolist()
        features.append(FeatureLayout(f"n{i:03}", NUMBER, edges=(*edges, float(np.nextafter(edges[-1], np.inf)))))
    for i in range(categories):
        shares = base_shares(i)
        found = np.bincount(rng.choice(len(shares), 20_000, p=shares), minlength=len(shares))
        names = sorted((f"v{value}" for value in range(len(shares))), key=lambda name: (-found[int(name[1:])], name))
        features.append(FeatureLayout(f"c{i:03}", CATEGORY, names=tuple(names)))
    return Layout(tuple(sorted(features, key=lambda feature: feature.name)))


def counted(layout: Layout, rows: int, counts: np.ndarray) -> Profile:
    """A profile of these counts; sums and distinct names play no part."""
    _, sums, registers = layout.sizes
    return Profile(layout, rows, 0, counts, np.zeros(sums, np.int64), np.zeros(registers, np.uint8))


def base_shares(feature: int) -> np.ndarray:
    """Zipf's, over 2 to 60 values."""
    size = (2, 3, 5, 8, 12, 20, 30, 60)[feature % 8]
    shares = 1 / np.arange(1, size + 1)
    return shares / shares.sum()


def draw_month(family: Family, seed: int) -> Month:
    """The parameters of one reference and the month after it."""
    rng = np.random.default_rng([seed, *family.name.encode()])
    hours = REFERENCE_HOURS + NULL_HOURS
    features = family.numbers + family.categories
    state = sum((_states(family, rng, hours, features, *one) for one in family.states), np.zeros((hours, features)))
    local = _local(family.calendar, hours)
    season = family.season * _season(family.shape, rng, local.max() + 1, features)[local]
    spread = np.exp(_states(family, rng, hours, family.numbers, *family.spread_state))
    missing = 0.02 * np.exp(2 * _states(family, rng, hours, features, *(family.states[0] if family.states else (0, 0))))
    missing = missing * (np.arange(features) % 3 == 0)
    layout = layout_for(family.numbers, family.categories)
    level = state + season
    return Month(
        layout,
        rng.poisson(family.rows * _traffic(family.traffic, rng, local.max() + 1)[local]),
        level[:, : family.numbers],
        spread,
        np.minimum(missing, 0.5),
        [_tilted(base_shares(i), level[:, family.numbers + i], rng) for i in range(family.categories)],
        _present(family, rng, hours),
        *CALENDAR[family.calendar],
    )


def draw(month: Month, hours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The counts of some hours: hours by counts, as a profile has them."""
    features = len(month.layout.features)
    counts = np.zeros((len(hours), month.layout.sizes[0]), np.int64)
    for at in range(features):
        draw_feature(month, at, hours, rng, counts)
    return counts


def draw_feature(
    month: Month, at: int, hours: np.ndarray, rng: np.random.Generator, counts: np.ndarray, **new: object
) -> None:
    """The counts of the feature with this number: numbers first, then categories. ``new`` replaces its parameters."""
    numbers = month.mean.shape[1]
    name = f"n{at:03}" if at < numbers else f"c{at - numbers:03}"
    layout = month.layout.by_name[name]
    start = month.layout.starts[name]
    rows = month.rows[hours]
    missing = rng.binomial(rows, new.get("missing", month.missing[hours, at]))
    fresh = rng.binomial(rows - missing, new.get("fresh", 0.0))
    counts[:, start + _MISSING], counts[:, start + _NEW] = missing, fresh
    if at < numbers:
        mean = month.mean[hours, at] + new.get("shift", 0.0)
        spread = month.spread[hours, at] * new.get("stretch", 1.0)
        edges = (np.array(layout.edges)[None] - mean[:, None]) / spread[:, None]
        below = np.concatenate([np.zeros((len(hours), 1)), _cumulative(edges), np.ones((len(hours), 1))], axis=1)
        shares = np.maximum(np.diff(below, axis=1), 0)
    else:
        own = month.shares[at - numbers][hours]
        own = (1 - new.get("swap", 0.0)) * own + new.get("swap", 0.0) * own[:, ::-1]
        shares = own[:, [int(value[1:]) for value in layout.names]]
    shares /= shares.sum(axis=1, keepdims=True)
    counts[:, start + TALLIES : start + TALLIES + layout.cells] = rng.multinomial(rows - missing - fresh, shares)


class Drawn(NamedTuple):
    """One month: its parameters, the windows of its reference, and the counts of every hour of both."""

    month: Month
    reference: list[tuple[float, Profile]]
    counts: np.ndarray
    rng: np.random.Generator

    def window(self, hour: int, counts: np.ndarray | None = None) -> tuple[float, Profile]:
        """The window of an hour, with other counts where they are given."""
        row = self.counts[hour] if counts is None else counts
        return self.month.start_s + HOUR_S * hour, counted(self.month.layout, int(self.month.rows[hour]), row)

    @property
    def hours(self) -> list[int]:
        """The hours after the reference that are there."""
        present = np.flatnonzero(self.month.present)
        return present[present >= REFERENCE_HOURS].tolist()


def confirm_month(family: Family, run: int) -> Drawn:
    """The month with this number of a family of CONFIRM or CALENDARS."""
    month = draw_month(family, CONFIRM_SEED + run)
    rng = np.random.default_rng([CONFIRM_SEED, run, *family.name.encode()])
    counts = draw(month, np.arange(REFERENCE_HOURS + NULL_HOURS), rng)
    past = np.arange(REFERENCE_HOURS)
    return Drawn(month, windows(month, past, counts[past]), counts, rng)


def windows(month: Month, hours: np.ndarray, counts: np.ndarray) -> list[tuple[float, Profile]]:
    """The profiles of the hours that are there."""
    return [
        (month.start_s + HOUR_S * hour, counted(month.layout, int(month.rows[hour]), row))
        for hour, row in zip(hours.tolist(), counts, strict=True)
        if month.present[hour]
    ]


def _states(family: Family, rng, hours: int, features: int, rho: float, sd: float) -> np.ndarray:
    if not sd:
        return np.zeros((hours, features))
    shock = rng.normal(size=(hours, features + 1))
    if family.shocks:
        scale = np.sqrt(family.shocks / (family.shocks - 2))
        shock = rng.standard_t(family.shocks, size=shock.shape) / scale
    path = np.empty_like(shock)
    path[0] = rng.normal(size=features + 1)
    for hour in range(1, hours):
        path[hour] = rho * path[hour - 1] + np.sqrt(1 - rho**2) * shock[hour]
    mixed = np.sqrt(1 - family.common) * path[:, 1:] + np.sqrt(family.common) * path[:, :1]
    return sd * mixed


def _season(shape: str, rng, hours: int, features: int) -> np.ndarray:
    hour = np.arange(hours)[:, None]
    if shape == "sine":
        phase, weekend = rng.random(features), rng.normal(size=features)
        return np.sin(2 * np.pi * (hour / DAY + phase)) + 0.7 * weekend * (hour // DAY % 7 >= 5)
    if shape == "square":
        turn = rng.integers(0, DAY, features)
        return np.where((hour + turn) % DAY < 8, 1.0, -0.5)
    table = rng.normal(size=(WEEK, features))
    smooth = np.mean([np.roll(table, -by, axis=0) for by in range(6)], axis=0)
    return (
        smooth / smooth.std(axis=0) * 1.0 if hours == WEEK else (smooth / smooth.std(axis=0))[np.arange(hours) % WEEK]
    )


def _traffic(kind: str, rng, hours: int) -> np.ndarray:
    hour = np.arange(hours)
    daily = 1 + 0.6 * np.sin(2 * np.pi * (hour - 8) / DAY)
    weekly = daily * np.where(hour // DAY % 7 >= 5, 0.6, 1.1)
    jumps = np.exp(np.repeat(rng.normal(0, 0.7, hours // 36 + 1), 36)[:hours])
    return {
        "flat": np.ones(hours),
        "daily": daily,
        "weekly": weekly,
        "rising": weekly * np.linspace(0.5, 2, hours),
        "falling": daily * np.linspace(2, 0.4, hours),
        "jumps": daily * np.clip(jumps, 0.1, 10),
    }[kind]


def _tilted(shares: np.ndarray, level: np.ndarray, rng) -> np.ndarray:
    direction = rng.normal(size=len(shares))
    tilted = shares * np.exp(level[:, None] * direction)
    return tilted / tilted.sum(axis=1, keepdims=True)


def _local(calendar: str, hours: int) -> np.ndarray:
    """The hour, from the start, as which each one behaves."""
    hour = np.arange(hours)
    if calendar == "clock":
        return hour + (hour >= CLOCK_CHANGE)
    sunday = 6 - HOLIDAY // DAY % 7
    return hour + sunday * DAY * ((calendar == "holiday") & (hour // DAY == HOLIDAY // DAY))


def _present(family: Family, rng, hours: int) -> np.ndarray:
    present = np.ones(hours, bool)
    while family.gaps and (~present).mean() < family.gaps:
        start = rng.integers(1, hours)
        present[start : start + rng.integers(1, family.longest_gap)] = False
    return present


def _cumulative(z: np.ndarray) -> np.ndarray:
    t = 1 / (1 + 0.2316419 * np.abs(z))  # Abramowitz and Stegun 26.2.17, off by 7.5e-8
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * poly
    return np.where(z < 0, tail, 1 - tail)
