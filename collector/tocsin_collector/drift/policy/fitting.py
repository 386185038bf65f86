"""Learn a policy from the windows of a reference."""

from collections.abc import Collection, Sequence

import numpy as np

from tocsin_collector.drift.policy import cusum, days, tail
from tocsin_collector.drift.policy.chain import Chain
from tocsin_collector.drift.policy.innovation import innovations, plausible
from tocsin_collector.drift.policy.level import OF_DAYS, OF_SPREAD, OF_WINDOWS, Levels, level
from tocsin_collector.drift.policy.normal import Floats
from tocsin_collector.drift.policy.policy import Policy, Rare, Signal
from tocsin_collector.drift.policy.rare import dispersion, surprise
from tocsin_collector.drift.policy.season import DAY_S, WEEK_S, Clock, East, folds, out_of_fold, season
from tocsin_collector.drift.policy.statistics import (
    FEWEST_ROWS,
    SPREAD,
    Counts,
    Measured,
    Observed,
    Places,
    Streams,
    groups_of,
    observe,
    streams_of,
    tallies,
)
from tocsin_collector.profile import Layout, Profile, Tally
from tocsin_collector.verdict import CATEGORY, NUMBER

HORIZON_S = 30 * DAY_S
FEWEST_WINDOWS = 168
"""An hour-of-week season, a state and a tail cannot be told apart in less."""
FEWEST_SPAN_S = 2 * WEEK_S
MOST_STREAMS = 20_000
KINDS = ("mean", "spread", "shape", "missing", "location", "category")
SPIKY_WEIGHT = 0.01


class Insufficient(ValueError):  # noqa: N818  a verdict on the reference, named in the API
    """The reference cannot carry a policy; the message says what is lacking."""


def fit(
    windows: Sequence[tuple[float, Profile]],
    layout: Layout,
    *,
    window_s: float,
    rate: float = 0.1,
    east_s: East | None = None,
    holidays: Collection[str] = (),
) -> Policy:
    """Learn what is normal from windows in order of time, each ``(start_s, profile)``, some may be missing.

    Hours of the week are local, ``east_s`` seconds ahead of UTC at a time; ``holidays`` (YYYY-MM-DD) are as Sundays.
    ``rate`` is the wanted chance of any false alarm in 30 days. Raises Insufficient for a reference too short or too
    thin, ValueError for windows out of order.
    """
    used = [(start_s, window) for start_s, window in windows if window.rows >= FEWEST_ROWS]
    start_s = np.array([start_s for start_s, _ in used], np.float64)
    _check(start_s, window_s, rate)
    clock = Clock(window_s, east_s, holidays)
    gaps = np.maximum(1, np.rint(np.diff(start_s, prepend=start_s[0] - window_s) / window_s)).astype(np.intp)
    fold = folds(start_s)
    counted = [tallies(window) for _, window in used]
    pooled = _pooled(counted, fold)
    groups = groups_of(layout, [np.sum(cells, axis=0) for cells in pooled])
    seen = observe(counted, groups)
    streams = streams_of(layout, seen, groups)
    if len(streams.kinds) > MOST_STREAMS:
        raise Insufficient(f"{len(streams.kinds)} statistics of features; at most {MOST_STREAMS} are followed at once")
    measured = streams.measure(seen)
    followed = measured.seen.sum(axis=0) >= FEWEST_WINDOWS
    if not followed.any():
        raise Insufficient(f"no feature has {FEWEST_ROWS} values in each of {FEWEST_WINDOWS} windows of the reference")
    measured = measured._replace(seen=measured.seen & followed)
    left = out_of_fold(measured, start_s, clock, fold)
    residual = measured._replace(value=left)
    kinds = _alike(residual, streams)
    models = plausible(residual, gaps, kinds)
    raw, end = innovations(residual, gaps, models)
    scale = tail.scales(raw, kinds)
    tails = tail.tails(raw[:, 0] / scale[0], kinds, models.variance[0] == 0)
    hits, rows = _rare_counts(seen, layout, fold, counted, pooled)
    burst = np.array([dispersion(h, r) for h, r in zip(hits, rows, strict=True)])
    score = tail.scored(tails, raw / scale)
    path = np.maximum(_path(score), _rare_path(hits, rows, burst, fold))
    day, spread, horizon = clock.day(start_s), streams.kinds == SPREAD, HORIZON_S / window_s
    daily, daily_score = days.fitted(score[:, 0], day, clock.hours, kinds)
    signals = _signals(layout, streams)
    number = {feature.name: at for at, feature in enumerate(layout.features)}
    return Policy(
        layout=layout,
        window_s=window_s,
        rate=rate,
        levels=Levels(
            windows=level(path, int(followed.sum()) + 2 * streams.features, horizon, OF_WINDOWS * rate),
            days=level(_path(daily_score), int(daily.followed.sum()), HORIZON_S / DAY_S, OF_DAYS * rate, block=1),
            spread=level(_alone(score[..., spread]), int(spread.sum()), horizon, OF_SPREAD * rate, ways=1),
        ),
        signals=signals,
        signal_feature=np.array([number[signal.feature] for signal in signals], np.intp),
        spiky=_spiky(layout, streams, tails),
        clock=clock,
        groups=groups,
        streams=streams,
        season=season(measured, start_s, clock),
        hourly=Chain(models, scale, tails, followed, end),
        daily=daily,
        signal_starts=_signal_starts(streams),
        rare=Rare(hits.sum(axis=1), rows.sum(axis=1), burst),
        end_day=days.begun(int(day[-1]), 1, float(start_s[-1]), len(kinds)),
        end_s=float(start_s[-1]),
        windows=len(used),
    )


def _alike(residual: Measured, streams: Streams) -> Places:
    """The kinds of streams, those that hardly move at all (no value is ever missing) as kinds of their own: what the
    others are like must not be learnt from them."""
    count = np.maximum(residual.seen.sum(axis=0), 1)
    moves = np.where(residual.seen, residual.value**2, 0).sum(axis=0) / count
    noise = np.where(residual.seen, residual.noise, 0).sum(axis=0) / count
    return np.where(moves < noise / 4, streams.kinds + len(KINDS), streams.kinds)


def _check(start_s: Floats, window_s: float, rate: float) -> None:
    if not 0 < rate < 1:
        raise ValueError(f"a rate of {rate} false alarms: a chance above 0 and below 1 is needed")
    if (np.diff(start_s) <= 0).any():
        raise ValueError("the windows of a reference must be in order of time, each once")
    span_s = float(start_s[-1] - start_s[0]) + window_s if len(start_s) else 0.0
    if len(start_s) < FEWEST_WINDOWS or span_s < FEWEST_SPAN_S:
        raise Insufficient(
            f"the reference has {len(start_s)} windows of {FEWEST_ROWS} rows or more over {span_s / DAY_S:.1f} days;"
            f" {FEWEST_WINDOWS} over {FEWEST_SPAN_S / DAY_S:.0f} days are needed, 28 days are better"
        )


def _path(score: Floats) -> Floats:
    """The largest evidence of each window of the reference, from scores by window, model and stream."""
    sums = np.zeros((len(cusum.SLOPES), 2, *score.shape[1:]))
    found = []
    for now in score:
        sums = cusum.climb(sums, now, np.inf)
        found.append(cusum.of_streams(cusum.evidence(sums, now)).max(initial=0.0))
    return np.array(found)


def _alone(score: Floats) -> Floats:
    """The same of each window alone."""
    return np.array([cusum.of_streams(cusum.alone(now)[None]).max(initial=0.0) for now in score])


def _pooled(counted: Sequence[Sequence[Tally]], fold: Places) -> list[list[Counts]]:
    """The counts of each feature's cells, by fold."""
    return [
        [np.sum([windows[at].cells for windows, own in zip(counted, fold, strict=True) if own == number], axis=0)
         for number in range(fold.max() + 1)]
        for at in range(len(counted[0]))
    ]  # fmt: skip


def _rare_counts(
    seen: Observed, layout: Layout, fold: Places, counted: Sequence[Sequence[Tally]], pooled: list[list[Counts]]
) -> tuple[Counts, Counts]:
    """Hits and rows of new and of invalid values, by window and feature. A category that one fold alone has would have
    been new in it: the layout knows it only because that fold was looked at."""
    hits = np.array([seen.new, seen.invalid])
    for at, feature in enumerate(layout.features):
        if feature.kind != CATEGORY or feature.hashed or len(pooled[at]) < 2:
            continue
        alone = [sum(pooled[at]) == own for own in pooled[at]]
        hits[0, :, at] += [windows[at].cells[alone[own]].sum() for windows, own in zip(counted, fold, strict=True)]
    rows = np.array([seen.valid, np.broadcast_to(seen.rows[:, None], seen.valid.shape)])
    return hits, rows


def _rare_path(hits: Counts, rows: Counts, burst: Floats, fold: Places) -> Floats:
    found = np.zeros(hits.shape[1])
    for what, every in enumerate(hits):
        for number in range(fold.max() + 1):
            rest = fold != number
            known = every[rest].sum(axis=0), rows[what, rest].sum(axis=0)
            for at in np.flatnonzero((fold == number) & every.any(axis=1)).tolist():
                found[at] = max(found[at], surprise(every[at], rows[what, at], *known, burst[what]).max())
    return found


def _signals(layout: Layout, streams: Streams) -> tuple[Signal, ...]:
    names = [feature.name for feature in layout.features]
    moments = [Signal(names[at], kind) for kind in KINDS[:3] for at in streams.numbers]
    missing = [Signal(name, "missing") for name in names]
    located = [Signal(names[at], "location") for at in streams.embedded.tolist()]
    shares = [
        Signal(names[at], "shape" if layout.features[at].kind == NUMBER else "category")
        for at in dict.fromkeys(streams.share_feature.tolist())
    ]
    return (
        *moments,
        *missing,
        *located,
        *shares,
        *(Signal(name, kind) for kind in ("new", "invalid", "filled") for name in names),
    )


def _signal_starts(streams: Streams) -> Places:
    alone = 3 * len(streams.numbers) + streams.features + len(streams.embedded)
    firsts = np.flatnonzero(np.diff(streams.share_feature, prepend=-1))
    return np.concatenate([np.arange(alone), alone + firsts]).astype(np.intp)


def _spiky(layout: Layout, streams: Streams, tails: tail.Tails) -> tuple[str, ...]:
    heavy = tails.normal[tails.group] < SPIKY_WEIGHT
    return tuple(layout.features[at].name for at in np.unique(streams.feature[heavy]).tolist())
