"""Joint drift on real rows that no one chose it by: every flight out of New York, 13 September to 31 December."""

import numpy as np

from tocsin_collector.drift import joint
from tocsin_collector.frame import Frame
from tocsin_collector.profile import layout_of
from tocsin_collector.profile.pairs import profile_pairs


def _shuffled(frame: Frame, name: str) -> Frame:
    """A join gone wrong: each value is still there, at another row."""
    rows = np.random.default_rng(1).permutation(frame.rows)
    columns = {**frame.columns, name: frame.columns[name].take(rows)}
    return Frame(frame.type, frame.key, frame.time_us, frame.ids, columns)


def test_real_days_are_silent_until_a_columns_rows_are_mixed_up(flights):
    days = flights.days(913, 1031)
    layout = layout_of(days.values())
    known = joint.fit([profile_pairs(frame, layout) for frame in days.values()])
    for day, frame in {**days, **flights.days(1101, 1231)}.items():
        assert not joint.score(known, profile_pairs(frame, layout)).reasons, day
    mixed = joint.score(known, profile_pairs(_shuffled(flights.days(1104, 1104)[1104], "feature.distance"), layout))
    assert {"dest", "distance"} in [set(pair[:2]) for pair in mixed.pairs]
