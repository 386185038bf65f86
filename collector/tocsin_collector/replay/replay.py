"""A policy back-tested on history: learnt from one table, stepped through the windows of another."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from tocsin_collector.drift.policy import Decision, Insufficient, Policy, begin, fit, step
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout, Profile
from tocsin_collector.profile.pairs import Pairs as Met
from tocsin_collector.profile.reservoir import Reservoir
from tocsin_collector.quality import fit_quality, judge
from tocsin_collector.replay.columns import Chosen, Question, choose
from tocsin_collector.replay.labels import Labels, Pairs, set_apart
from tocsin_collector.replay.together import paired, sampled, with_days, with_joint
from tocsin_collector.tables.rows import rows
from tocsin_collector.tables.table import Table, TableError
from tocsin_collector.tables.windows import cut, profiled
from tocsin_collector.verdict import QualityVerdict

FEWEST_LABELS = 30
"""Windows with fewer labels are told and not judged."""


class Window(NamedTuple):
    """One window of the current rows. ``decision`` is None where no policy could be learnt."""

    start_s: float
    rows: int
    decision: Decision | None
    quality: QualityVerdict | None


class Side(NamedTuple):
    """The windows of a table by their start, in order of time, what meets in each, labels beside predictions, and some
    rows."""

    profiles: dict[float, Profile]
    met: dict[float, Met]
    pairs: dict[float, Pairs]
    kept: dict[float, Reservoir]

    @property
    def rows(self) -> int:
        """How many rows have a time."""
        return sum(profile.rows for profile in self.profiles.values())


@dataclass(frozen=True, slots=True)
class Replayed:
    """The windows in order of time, and what there is to say of the tables."""

    asked: Question
    features: tuple[str, ...]
    reference_rows: int
    reference_windows: int
    policy: Policy | None
    insufficient: str
    """Why the reference cannot carry a policy, empty when it does."""
    windows: list[Window]
    notes: list[str]


def replay(reference: Table, current: Table, asked: Question) -> Replayed:
    """What the policy learnt from ``reference`` would have said of ``current``. Raises TableError.

    Every column that both tables have is a feature, but for those that ``asked`` names.
    """
    chosen = choose(reference, current, asked)
    known = _side(reference, asked, chosen, chosen.known_labels)
    now = _side(current, asked, chosen, chosen.labels)
    if not now.profiles:
        raise TableError(f"{current.name} has no row")
    policy, insufficient = _policy(known, chosen.layout, asked)
    notes = list(chosen.notes)
    decisions = with_joint(_decisions(policy, now, notes), known.met, now.met) if policy else {}
    decisions = with_days(decisions, known.kept, now.kept, chosen.layout)
    qualities = _qualities(known, now, chosen.labels) if chosen.labels else {}
    windows = [
        Window(start_s, profile.rows, decisions.get(start_s), qualities.get(start_s))
        for start_s, profile in now.profiles.items()
    ]
    notes = [*reference.notes.values(), *current.notes.values(), *notes]
    return Replayed(asked, chosen.features, known.rows, len(known.profiles), policy, insufficient, windows, notes)


def _side(table: Table, asked: Question, chosen: Chosen, labels: Labels | None) -> Side:
    pairs: dict[float, Pairs] = {}
    met: dict[float, Met] = {}
    kept: dict[float, Reservoir] = {}
    calendar = Calendar(asked.window_s)
    parts = cut(rows(table, asked.time, chosen.kinds | (labels.kinds if labels else {})), calendar)
    features = set_apart(parts, labels, pairs) if labels else parts
    features = sampled(paired(features, chosen.layout, met), chosen.layout, calendar, kept)
    return Side(profiled(features, chosen.layout), met, pairs, kept)


def _policy(known: Side, layout: Layout, asked: Question) -> tuple[Policy | None, str]:
    try:
        windows, east_s = list(known.profiles.items()), Calendar(zone=asked.zone).east_s
        return fit(
            windows, layout, window_s=asked.window_s, rate=asked.rate, east_s=east_s, holidays=asked.holidays
        ), ""
    except Insufficient as error:
        return None, str(error)


def _decisions(policy: Policy, now: Side, notes: list[str]) -> dict[float, Decision]:
    state = begin(policy)
    first_s = next(iter(now.profiles))
    if first_s <= state.time_s:
        notes.append("the current rows begin before the reference ends: they are judged as if they followed it")
        state = replace(state, time_s=first_s - policy.window_s)
    found = {}
    for start_s, profile in now.profiles.items():
        state, found[start_s] = step(policy, state, start_s, profile)
    return found


def _qualities(known: Side, now: Side, labels: Labels) -> dict[float, QualityVerdict]:
    normal = fit_quality([labels.labelled(known.pairs[start_s]) for start_s in known.profiles if known.pairs])
    return {
        start_s: judge(normal, labels.labelled(now.pairs[start_s]), predictions=profile.rows, min_rows=FEWEST_LABELS)
        for start_s, profile in now.profiles.items()
    }
