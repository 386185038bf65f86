"""Step a policy over windows as they close."""

from dataclasses import replace

import numpy as np

from tocsin_collector.drift.policy import cusum, days
from tocsin_collector.drift.policy.chain import advance, since, start
from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.policy import Policy, State
from tocsin_collector.drift.policy.rare import surprise
from tocsin_collector.drift.policy.season import DAY_S
from tocsin_collector.drift.policy.statistics import FEWEST_ROWS, MISSING, SPREAD, Mask, Observed, observe, tallies
from tocsin_collector.profile import Profile, ProfileError
from tocsin_collector.verdict import Decision, Onset

CLOSED_BELOW = 4.0
"""An incident stays open until its evidence was this many nats below the level for CLOSED_AFTER_S."""
CLOSED_AFTER_S = DAY_S
MOST_BEYOND, MOST_BEYOND_DAYS = 12.0, 2.0
"""A sum rises no further beyond the level than this: what has ended is seen to end within hours, of days in days."""


def begin(policy: Policy) -> State:
    """The state at the end of the reference."""
    quiet = np.zeros(len(policy.signals), bool)
    never = np.full(quiet.shape, -np.inf)
    hourly, daily = start(policy.hourly, policy.end_s), start(policy.daily, policy.end_s)
    told = np.zeros((len(cusum.SLOPES) + 1, *policy.daily.models.rho.shape))
    return State(policy.end_s, hourly, daily, policy.end_day, told, quiet, never, never, never)


def step(policy: Policy, state: State, start_s: float, profile: Profile) -> tuple[State, Decision]:
    """Take the window that begins at ``start_s``; windows between the last one and it may be missing.

    Raises ProfileError for a window of another layout, ValueError for one that is not after the last.
    """
    if profile.layout.digest != policy.layout.digest:
        raise ProfileError("the window was profiled under another layout than the policy's; profile its rows again")
    if start_s <= state.time_s:
        raise ValueError(f"the window of {start_s} is not after {state.time_s}: windows come in order of time")
    if profile.rows < FEWEST_ROWS:
        return state, Decision(start_s, profile.rows, None, policy.level, (), _incidents(policy, state, state.open))
    seen = observe([tallies(profile)], policy.groups)
    state, found = _moved(policy, _next_day(policy, state, start_s), start_s, seen)
    ways = _ways(policy, state, found)
    streams = np.maximum.reduceat(ways, policy.signal_starts, axis=1).max(axis=0)
    place = _missing_signals(policy)
    rises, missing = _rises(policy, state, ways), streams[place].copy()
    streams[place] = np.where(rises, missing, 0.0)
    signals = np.concatenate([streams, *_rare(policy, seen), np.where(rises, 0.0, missing)])
    return _decided(policy, state, start_s, profile.rows, signals, (ways, found))


def _ways(policy: Policy, state: State, found: Floats) -> Floats:
    """Nats by stream of windows, of the days before, and of spread in this window alone, moved to the same level."""
    levels = policy.levels
    found_of_days, alone = cusum.of_streams(state.told), cusum.of_streams(found[-1:])
    slow = np.where(found_of_days > 0, found_of_days + levels.windows - levels.days, 0.0)
    spread = np.where(policy.streams.kinds == SPREAD, alone + levels.windows - levels.spread, 0.0)
    return np.stack([cusum.of_streams(found), slow, spread])


def _missing_signals(policy: Policy) -> slice:
    begins = 3 * len(policy.streams.numbers)
    return slice(begins, begins + policy.streams.features)


def _rises(policy: Policy, state: State, ways: Floats) -> Mask:
    """Whether more values of each feature are missing than should be, not fewer, by what says most."""
    own = policy.streams.kinds == MISSING
    hourly, daily = (
        links.sums[:, 0, 0, own].max(axis=0) >= links.sums[:, 1, 0, own].max(axis=0)
        for links in (state.hourly, state.daily)
    )
    found: Mask = np.where(ways[1, own] > ways[0, own], daily, hourly)
    return found


def _next_day(policy: Policy, state: State, start_s: float) -> State:
    """When the first window of a later day comes, take the day that is over."""
    day, number = state.day, int(policy.clock.day(np.array(start_s)))
    if number <= day.number:
        return state
    gap, streams = number - day.number, len(day.total)
    if not day.windows.any():
        return replace(state, day=days.begun(number, day.gap + gap, start_s, streams))
    measured, most = days.measured(day, policy.clock.hours), policy.levels.days + MOST_BEYOND_DAYS
    daily, _, told = advance(policy.daily, state.daily, *measured, day.gap, day.start_s, most)
    return replace(state, daily=daily, told=told, day=days.begun(number, gap, start_s, streams))


def _moved(policy: Policy, state: State, start_s: float, seen: Observed) -> tuple[State, Floats]:
    """The state after a window, and the evidence by way, model and stream."""
    value, noise, told = (part[0] for part in policy.streams.measure(seen))
    left = value - policy.season[int(policy.clock.hour_of_week(np.array(start_s)))]
    gap = max(1, round((start_s - state.time_s) / policy.window_s))
    hourly, score, found = advance(
        policy.hourly, state.hourly, left, noise, told, gap, start_s, policy.level + MOST_BEYOND
    )
    return replace(state, time_s=start_s, hourly=hourly, day=days.added(state.day, score[0])), found


def _rare(policy: Policy, seen: Observed) -> tuple[Floats, Floats]:
    known, burst = (policy.rare.hits, policy.rare.rows), policy.rare.burst
    rows = np.full_like(seen.valid[0], seen.rows[0])
    new = surprise(seen.new[0], seen.valid[0], known[0][0], known[1][0], burst[0])
    return new, surprise(seen.invalid[0], rows, known[0][1], known[1][1], burst[1])


def _decided(
    policy: Policy, state: State, start_s: float, rows: int, signals: Floats, streams: tuple[Floats, Floats]
) -> tuple[State, Decision]:
    fired = signals > policy.level
    hot_s = np.where(signals < policy.level - CLOSED_BELOW, state.hot_s, start_s)
    is_open = fired | (state.open & (start_s - hot_s < CLOSED_AFTER_S))
    fresh = fired & ~state.open
    begun_s = state.begun_s.copy()
    for at in np.flatnonzero(fresh).tolist():
        begun_s[at] = _since(policy, state, at, streams, start_s)
    most = np.where(is_open, np.maximum(np.where(state.open, state.most, 0.0), signals), signals)
    state = replace(state, open=is_open, begun_s=begun_s, most=most, hot_s=hot_s)
    evidence = np.zeros(policy.streams.features)
    of_values = most.copy()
    of_values[_missing_signals(policy)] = 0.0
    np.maximum.at(evidence, policy.signal_feature, of_values)
    score, (onsets, incidents) = float(signals.max()), (_incidents(policy, state, which) for which in (fresh, is_open))
    return state, Decision(start_s, rows, score, policy.level, onsets, incidents, tuple(evidence.tolist()))


def _incidents(policy: Policy, state: State, which: Mask) -> tuple[Onset, ...]:
    return tuple(
        Onset(*policy.signals[at], float(state.most[at]), policy.level, float(state.begun_s[at]))
        for at in np.flatnonzero(which).tolist()
    )


def _since(policy: Policy, state: State, at: int, streams: tuple[Floats, Floats], start_s: float) -> float:
    """Where the evidence of a signal begins; ``streams`` has what ``_ways`` found, and that of windows by way and
    model."""
    last = len(policy.signals) - policy.streams.features
    if at >= last:  # fewer missing: the stream is that of more
        at = at - last + _missing_signals(policy).start
    if at >= len(policy.signal_starts):
        return start_s
    ways, found = streams
    first, end = [*policy.signal_starts.tolist(), found.shape[-1]][at : at + 2]
    way, stream = np.unravel_index(int(ways[:, first:end].argmax()), (len(ways), end - first))
    if way == len(ways) - 1:  # spread in this window alone
        return start_s
    links, told = (state.daily, state.told) if way else (state.hourly, found)
    return since(links, told, first + int(stream), start_s)
