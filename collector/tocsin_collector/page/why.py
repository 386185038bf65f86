"""An alarm's explanation in sentences."""

from collections.abc import Mapping

from tocsin_collector.drift import standing
from tocsin_collector.drift.explain import Explanation, FeatureChange, Moved
from tocsin_collector.page.numbers import day, moment, number, ratio, seconds


def sentences(found: Explanation, offset_s: float) -> list[str]:
    """One sentence a finding; times are those of the events, local where windows are."""
    told = [_feature(one, offset_s) for one in found.features]
    told += [f"Rows with {one.name} are {_shares(one)}" for one in found.segments]
    told += [f"Answers {one.name} are {_shares(one)}" for one in found.classes]
    if found.rows:
        told.append(f"The window has {number(found.rows.now)} rows, usually {number(round(found.rows.before))}")
    if found.latency_s:
        now, before = seconds(found.latency_s.now), seconds(found.latency_s.before)
        told.append(f"The 99th percentile of latency is {now}, {before} before")
    told += [standing.told(one) for one in found.standings]
    return told + [f"{_moment(one.time_s, offset_s)}: {one.text}" for one in found.changes]


def against(reference: Mapping[str, object] | None, offset_s: float) -> str:
    """What it is that windows alarm against; empty without a reference."""
    if reference is None:
        return ""
    ends = [reference.get(name) for name in ("start_s", "end_s")]
    days = [day(end, offset_s) for end in ends if isinstance(end, float | int)]
    return f"Alarms are against the reference that holds: {reference['source']}" + ", " * bool(days) + " to ".join(days)


def _feature(one: FeatureChange, offset_s: float) -> str:
    windows = "this window alone" if one.windows == 1 else f"{one.windows} windows"
    cells = "; ".join(f"{cell.name} {_shares(cell)}" for cell in one.cells)
    since = f"{one.feature}: {one.what} since {_moment(one.since_s, offset_s)}, {windows}"
    return f"{since} ({cells})" if cells else since


def _moment(time_s: float, offset_s: float) -> str:
    return moment(time_s, offset_s, "%d %b %Y %H:%M").lstrip("0")


def _shares(one: Moved) -> str:
    return f"{ratio(one.now)}, {ratio(one.before)} before"
