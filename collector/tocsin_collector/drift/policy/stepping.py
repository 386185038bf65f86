"""Step a policy over windows as they close."""

from dataclasses import replace

import numpy as np

from tocsin_collector.drift.policy import cusum
from tocsin_collector.drift.policy.innovation import follow
from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.policy import Policy, State
from tocsin_collector.drift.policy.rare import surprise
from tocsin_collector.drift.policy.season import DAY_S
from tocsin_collector.drift.policy.statistics import FEWEST_ROWS, Mask, Observed, observe, tallies
from tocsin_collector.drift.policy.tail import scored
from tocsin_collector.profile import Profile, ProfileError
from tocsin_collector.verdict import Decision, Onset

CLOSED_BELOW = 4.0
"""An incident stays open until its evidence was this many nats below the level for CLOSED_AFTER_S."""
CLOSED_AFTER_S = DAY_S
LOUDEST = 60.0
"""The score of what cannot be told."""
MOST_BEYOND = 12.0
"""A sum rises no further beyond the level than this: what has ended is seen to end within hours."""


def begin(policy: Policy) -> State:
    """The state at the end of the reference: the filters know where they are, nothing is suspected."""
    sums = np.zeros((len(cusum.SLOPES), 2, *policy.models.rho.shape))
    quiet = np.zeros(len(policy.signals), bool)
    never = np.full(quiet.shape, -np.inf)
    return State(policy.end_s, policy.end, sums, np.full_like(sums, policy.end_s), quiet, never, never, never)


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
    state, found = _moved(policy, state, start_s, seen)
    signals = np.concatenate([np.maximum.reduceat(cusum.of_streams(found), policy.signal_starts), *_rare(policy, seen)])
    return _decided(policy, state, start_s, profile.rows, signals, found)


def _moved(policy: Policy, state: State, start_s: float, seen: Observed) -> tuple[State, Floats]:
    """The filters and sums after a window, and the evidence by way, model and stream."""
    measured = policy.streams.measure(seen)
    told = measured.seen[0] & policy.followed
    value = measured.value[0] - policy.season[int(policy.clock.hour_of_week(np.array(start_s)))]
    gap = max(1, round((start_s - state.time_s) / policy.window_s))
    moved, innovation, total = follow(
        policy.models, state.filter, value, measured.noise[0], told.astype(np.float64), gap
    )
    score = scored(policy.tails, innovation / np.sqrt(total) / policy.scale)
    # A NaN that the rows do not explain must not pass for a stream that was not seen.
    score = np.where(told, np.where(np.isnan(score), LOUDEST, score), np.nan)
    sums = cusum.climb(state.sums, score, policy.level + MOST_BEYOND)
    since_s = np.where(state.sums > 0, state.since_s, start_s)
    return replace(state, time_s=start_s, filter=moved, sums=sums, since_s=since_s), cusum.evidence(sums, score)


def _rare(policy: Policy, seen: Observed) -> tuple[Floats, Floats]:
    known, burst = (policy.rare.hits, policy.rare.rows), policy.rare.burst
    rows = np.full_like(seen.valid[0], seen.rows[0])
    new = surprise(seen.new[0], seen.valid[0], known[0][0], known[1][0], burst[0])
    return new, surprise(seen.invalid[0], rows, known[0][1], known[1][1], burst[1])


def _decided(
    policy: Policy, state: State, start_s: float, rows: int, signals: Floats, found: Floats
) -> tuple[State, Decision]:
    fired = signals > policy.level
    hot_s = np.where(signals < policy.level - CLOSED_BELOW, state.hot_s, start_s)
    is_open = fired | (state.open & (start_s - hot_s < CLOSED_AFTER_S))
    fresh = fired & ~state.open
    begun_s = state.begun_s.copy()
    for at in np.flatnonzero(fresh).tolist():
        begun_s[at] = _since(policy, state, at, found, start_s)
    most = np.where(is_open, np.maximum(np.where(state.open, state.most, 0.0), signals), signals)
    state = replace(state, open=is_open, begun_s=begun_s, most=most, hot_s=hot_s)
    evidence = np.zeros(policy.streams.features)
    np.maximum.at(evidence, policy.signal_feature, most)
    score, (onsets, incidents) = float(signals.max()), (_incidents(policy, state, which) for which in (fresh, is_open))
    return state, Decision(start_s, rows, score, policy.level, onsets, incidents, tuple(evidence.tolist()))


def _incidents(policy: Policy, state: State, which: Mask) -> tuple[Onset, ...]:
    return tuple(
        Onset(*policy.signals[at], float(state.most[at]), policy.level, float(state.begun_s[at]))
        for at in np.flatnonzero(which).tolist()
    )


def _since(policy: Policy, state: State, at: int, found: Floats, start_s: float) -> float:
    """Where the sum that brought the evidence left 0; the window itself where it is alone."""
    if at >= len(policy.signal_starts):
        return start_s
    begin_, end = [*policy.signal_starts.tolist(), found.shape[-1]][at : at + 2]
    stream = begin_ + int(cusum.of_streams(found[..., begin_:end]).argmax())
    way, model = cusum.way(found, stream)
    if way >= len(cusum.SLOPES):
        return start_s
    side = int(state.sums[way, :, model, stream].argmax())
    return float(state.since_s[way, side, model, stream])
