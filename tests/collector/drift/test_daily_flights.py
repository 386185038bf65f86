"""The second opinion on real days that nobody chose it by: every flight out of New York, 13 September to 31 December.

On 5 December, when a storm came in, delays went with the hour as on no day before: the demo's alarm, too.
"""

import numpy as np

from tocsin_collector.drift import daily
from tocsin_collector.profile import layout_of
from tocsin_collector.profile.coarse import chosen, codes


def test_real_days_but_one_of_storm_are_silent_until_a_columns_rows_are_mixed_up(flights):
    days = flights.days(913, 1031)
    layout = layout_of(days.values())
    names = [feature.name for feature in chosen(layout)]
    known = daily.fit([codes(frame, layout) for frame in days.values()])
    found = {day: daily.score(known, codes(frame, layout), names) for day, frame in flights.days(1101, 1231).items()}
    assert [day for day, verdict in found.items() if verdict.reasons] == [1205]
    assert set(found[1205].beyond[0][0]) <= {"dep_delay", "hour", "sched_dep_time"}
    rows = codes(flights.days(1104, 1104)[1104], layout)
    at = names.index("distance")
    rows[at] = rows[at][np.random.default_rng(1).permutation(rows.shape[1])]
    assert "distance" in daily.score(known, rows, names).beyond[0][0]
