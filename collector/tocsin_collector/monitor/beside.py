"""A window beside further references, by which nothing alarms: those that have a name, and its stream's own past."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from tocsin_collector.drift.apart import Usual, apart, distances, pooled
from tocsin_collector.monitor.rolling import Pool, Rolling
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import Layout, Profile, merged
from tocsin_collector.references.profiles import Hours
from tocsin_collector.verdict import Beside


class Named(NamedTuple):
    """A reference under a name, in cells of its own. ``digest`` is its content by its name."""

    layout: Layout
    profile: Profile
    windows: int
    usual: Usual
    digest: str

    @staticmethod
    def of(hours: Hours, calendar: Calendar) -> "Named":
        """Learn it from the profiles of its hours, taken together to windows of the same length where that is more."""
        parts = defaultdict[int, list[Profile]](list)
        for start_s, counted in hours.profiles.items():
            parts[calendar.index_at(start_s)].append(counted)
        windows = [merged(part, hours.layout) for part in parts.values()]
        profile, usual = pooled(windows, hours.layout)
        return Named(hours.layout, profile, len(windows), usual, sha256(hours.to_bytes()).hexdigest())


def of_named(counted: Mapping[str, Profile], known: Mapping[str, Named], rows: int) -> Iterator[Beside]:
    """A window's profiles by the reference in whose cells they are; one that lacks rows says nothing."""
    for name, one in known.items():
        current = counted.get(name)
        if current is not None and current.rows == rows:
            found = apart(distances(one.profile, current), one.usual, one.layout)
            yield Beside(name, one.profile.rows, one.windows, 0, found)


def of_past(window: Profile, start_s: float, rolling: Rolling, closed: Mapping[float, Pool]) -> Iterator[Beside]:
    """A window beside the past of its stream."""
    for name, pool in rolling.pools(start_s, closed).items():
        found = apart(distances(pool.profile, window), rolling.usual(name), rolling.layout)
        yield Beside(name, pool.profile.rows, pool.windows, pool.drifted, found)
