"""Joint drift in a replay, as incidents of no feature: pairs that meet otherwise than in the reference, and once a day
whatever two or three features do together."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import numpy as np

from tocsin_collector.drift import joint
from tocsin_collector.monitor.daily import Days, sampled_most
from tocsin_collector.monitor.windows import DAY_S, Calendar
from tocsin_collector.profile import Layout
from tocsin_collector.profile.coarse import Codes
from tocsin_collector.profile.hashing import mixed
from tocsin_collector.profile.pairs import Pairs, merge_pairs, profile_pairs
from tocsin_collector.profile.reservoir import Reservoir, kept, nothing
from tocsin_collector.tables.windows import Part, frame_of
from tocsin_collector.verdict import Decision, Onset

JOINT, DAILY = "joint", "daily"
CLOSED_AFTER_S = 86_400.0
"""As an incident of a feature: it is open until a day has passed without evidence."""


def paired(parts: Iterable[Part], layout: Layout, kept: dict[float, Pairs]) -> Iterator[Part]:
    """The parts as they are; their pairs are counted into ``kept`` by window."""
    for part in parts:
        met = profile_pairs(frame_of(part.columns, part.rows), layout)
        kept[part.start_s] = merge_pairs(kept[part.start_s], met) if part.start_s in kept else met
        yield part


def sampled(
    parts: Iterable[Part], layout: Layout, calendar: Calendar, kept_of: dict[float, Reservoir]
) -> Iterator[Part]:
    """The parts as they are; some of each window's rows are kept in ``kept_of``, told apart by where they stand."""
    seen, most = 0, sampled_most(calendar)
    for part in parts:
        keys = mixed(np.arange(seen, seen + part.rows, dtype=np.uint64))
        seen += part.rows
        known = kept_of.get(part.start_s) or nothing(layout, most)
        kept_of[part.start_s] = kept(known, frame_of(part.columns, part.rows), keys)
        yield part


def with_days(
    decisions: dict[float, Decision],
    known: dict[float, Reservoir],
    now: dict[float, Reservoir],
    layout: Layout,
) -> dict[float, Decision]:
    """The decisions, with what each day's second opinion says in its last window; it holds until the next one's."""
    reference = Days.of_samples([samples for _, samples in _by_day(known)], layout)
    if reference is None:
        return decisions
    found: dict[float, Decision] = {}
    told = {last_s: (first_s, reference.judge(samples)) for (first_s, last_s), samples in _by_day(now)}
    incident: Onset | None = None
    for start_s, decision in decisions.items():
        day_s, verdict = told.get(start_s, (start_s, None))
        begins = verdict is not None and bool(verdict.reasons) and incident is None
        if verdict is not None:
            goes_on = incident or Onset(None, DAILY, verdict.score, verdict.threshold, day_s)
            incident = goes_on if verdict.reasons else None
        own = (incident,) if incident else ()
        onsets = decision.onsets + (own if begins else ())
        found[start_s] = decision._replace(onsets=onsets, incidents=decision.incidents + own)
    return found


def _by_day(kept_of: dict[float, Reservoir]) -> Iterator[tuple[tuple[float, float], list[Codes]]]:
    """The first and the last window of each day (of UTC), and what its windows kept."""
    for _, starts in groupby(sorted(kept_of), lambda start_s: start_s // DAY_S):
        listed = list(starts)
        yield (listed[0], listed[-1]), [kept_of[start_s].codes for start_s in listed]


def with_joint(
    decisions: dict[float, Decision], known: dict[float, Pairs], now: dict[float, Pairs]
) -> dict[float, Decision]:
    """The decisions, in order of time, with the joint incidents among theirs."""
    reference = joint.fit([known[start_s] for start_s in sorted(known)])
    if reference is None:
        return decisions
    found: dict[float, Decision] = {}
    incident, hot_s = None, float("-inf")
    for start_s, decision in decisions.items():
        told = joint.score(reference, now[start_s])
        begins = told is not None and bool(told.reasons) and incident is None
        if told and told.reasons:
            incident, hot_s = incident or Onset(None, JOINT, told.score, told.threshold, start_s), start_s
        elif start_s - hot_s >= CLOSED_AFTER_S:
            incident = None
        own = (incident,) if incident else ()
        onsets = decision.onsets + (own if begins else ())
        found[start_s] = decision._replace(onsets=onsets, incidents=decision.incidents + own)
    return found
