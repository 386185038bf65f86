"""What a replay prints: one line of JSON a window, or a table of what would have alarmed."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tocsin_collector.replay.replay import Replayed, Window
from tocsin_collector.verdict import QualityVerdict

DAY_S = 86_400.0
Json = dict[str, Any]


def json_lines(found: Replayed) -> Iterator[str]:
    """Each window as an object of its own."""
    for window in found.windows:
        yield json.dumps(_line(window, found), ensure_ascii=False, allow_nan=False)


def _line(window: Window, found: Replayed) -> Json:
    decision = window.decision
    line: Json = {
        "window_start": _time(window.start_s),
        "rows": window.rows,
        "alarms": [
            {
                "feature": onset.feature,
                "kind": onset.kind,
                "score": _finite(onset.score),
                "threshold": _finite(onset.threshold),
                "since": _time(onset.since_s),
            }
            for onset in (decision.onsets if decision else ())
        ],
        "open": list(decision.open) if decision else [],
    }
    if decision is None:
        line["insufficient_reference"] = found.insufficient
    if window.quality is not None:
        line["quality"] = _quality(window.quality)
    return line


def _quality(quality: QualityVerdict) -> Json:
    known = {name: getattr(quality, name) for name in ("scores", "reference", "thresholds")}
    finite = {name: {score: _finite(value) for score, value in values.items()} for name, values in known.items()}
    return {"labelled": quality.labelled, **finite, "reasons": list(quality.reasons)}


def text_lines(found: Replayed) -> Iterator[str]:
    """A table of the onsets, then what they would have cost."""
    begin_s, end_s = found.windows[0].start_s, found.windows[-1].start_s + found.asked.window_s
    rows = sum(window.rows for window in found.windows)
    features = f"{len(found.features)} features"
    yield f"reference  {found.reference_rows:,} rows in {found.reference_windows:,} windows, {features}"
    yield f"current    {rows:,} rows in {len(found.windows):,} windows, {_short(begin_s)} to {_short(end_s)}"
    if found.policy is None:
        yield f"insufficient_reference: {found.insufficient}"
    else:
        yield ""
        yield from _onsets(found)
        yield from _cost(found, (end_s - begin_s) / DAY_S)
    yield from _quality_lines(found)


def _onsets(found: Replayed) -> Iterator[str]:
    onsets = [
        (window.start_s + found.asked.window_s, onset)
        for window in found.windows
        for onset in (window.decision.onsets if window.decision else ())
    ]
    if not onsets:
        yield "nothing would have alarmed"
        return
    width = max(7, *(len(onset.feature or "") for _, onset in onsets))
    yield f"{'alarm at':16}  {'since':16}  {'feature':{width}}  {'kind':9} score  threshold"
    for at_s, onset in onsets:
        score = f"{onset.score:5.1f}  {onset.threshold:9.1f}"
        feature = onset.feature or f"({onset.kind})"
        yield f"{_short(at_s)}  {_short(onset.since_s)}  {feature:{width}}  {onset.kind:9} {score}"
    yield ""


def _cost(found: Replayed, days: float) -> Iterator[str]:
    decisions = [window.decision for window in found.windows if window.decision]
    alarms = sum(len(decision.onsets) for decision in decisions)
    ringing = sum(bool(decision.onsets) for decision in decisions)
    alarmed = sum(bool(decision.open) for decision in decisions)
    yield (
        f"alarms: {alarms}, in {ringing} windows over {days:.1f} days; {found.asked.rate * days / 30:.2g} false ones"
        f" are expected; something was open in {alarmed} of {len(decisions)} windows"
    )
    if found.policy and found.policy.spiky:
        yield f"spiky in the reference, so that the stated rate is not held: {', '.join(found.policy.spiky)}"


def _quality_lines(found: Replayed) -> Iterator[str]:
    judged = [window for window in found.windows if window.quality]
    if not judged:
        return
    bad = [window for window in judged if window.quality and window.quality.reasons]
    yield f"quality: {len(bad)} of {len(judged)} windows beyond a bound"
    for window in bad[:20]:
        yield f"  {_short(window.start_s)}  {'; '.join(window.quality.reasons if window.quality else ())}"
    if len(bad) > 20:
        yield f"  and {len(bad) - 20} more"


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


def _short(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
