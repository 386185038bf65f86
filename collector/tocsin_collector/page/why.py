"""An alarm's explanation in sentences."""

from tocsin_collector.drift.explain import Explanation, FeatureChange, Moved
from tocsin_collector.page.numbers import moment, number, ratio, seconds


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
    return told + [f"{_moment(one.time_s, offset_s)}: {one.text}" for one in found.changes]


def _feature(one: FeatureChange, offset_s: float) -> str:
    windows = "this window alone" if one.windows == 1 else f"{one.windows} windows"
    cells = "; ".join(f"{cell.name} {_shares(cell)}" for cell in one.cells)
    since = f"{one.feature}: {one.what} since {_moment(one.since_s, offset_s)}, {windows}"
    return f"{since} ({cells})" if cells else since


def _moment(time_s: float, offset_s: float) -> str:
    return moment(time_s, offset_s, "%d %b %Y %H:%M").lstrip("0")


def _shares(one: Moved) -> str:
    return f"{ratio(one.now)}, {ratio(one.before)} before"
