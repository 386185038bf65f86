"""Joint drift in a replay: pairs of features that meet otherwise than in the reference, as incidents of no feature."""

from collections.abc import Iterable, Iterator

from tocsin_collector.drift import joint
from tocsin_collector.profile import Layout
from tocsin_collector.profile.pairs import Pairs, merge_pairs, profile_pairs
from tocsin_collector.tables.windows import Part, frame_of
from tocsin_collector.verdict import Decision, Onset

JOINT = "joint"
CLOSED_AFTER_S = 86_400.0
"""As an incident of a feature: it is open until a day has passed without evidence."""


def paired(parts: Iterable[Part], layout: Layout, kept: dict[float, Pairs]) -> Iterator[Part]:
    """The parts as they are; their pairs are counted into ``kept`` by window."""
    for part in parts:
        met = profile_pairs(frame_of(part.columns, part.rows), layout)
        kept[part.start_s] = merge_pairs(kept[part.start_s], met) if part.start_s in kept else met
        yield part


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
