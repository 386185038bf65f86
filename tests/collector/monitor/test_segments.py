"""Segments are counted in bounded memory, and their sums hold."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, Values, category
from tocsin_collector.monitor.segments import EXACT_MOST, SHOWN, Segments
from tocsin_collector.verdict import CATEGORY, ModelKey
from tocsin_schema.metric import OVERFLOW

KEY = ModelKey("shop", "credit", "3")


def _frame(values):
    rows = len(values.valid)
    return Frame("prediction", KEY, np.zeros(rows, np.int64), [""] * rows, {"segment.country": values})


def _told(*blocks, before=None):
    segments = Segments()
    for block in blocks:
        segments.add(_frame(category(block)))
    return segments.told(before or {}).get("country", {})


values = st.lists(st.none() | st.integers(0, 99).map(lambda n: f"v{n}"), max_size=80)


@given(st.lists(values, min_size=1, max_size=5), st.randoms())
def test_the_counts_are_exact_in_any_order_and_grouping(blocks, random):
    rows = [value for block in blocks for value in block]
    told = _told(*blocks)
    random.shuffle(rows)
    assert _told(rows) == told
    counts = Counter(value for value in rows if value is not None)
    assert sum(told.values()) == counts.total()
    assert all(counts[name] == told[name] for name in told if name != OVERFLOW)


def test_the_largest_have_a_name_and_the_rest_are_one():
    told = _told([f"v{n}" for n in range(100) for _ in range(n + 1)])
    assert list(told) == [*(f"v{n}" for n in range(99, 99 - SHOWN, -1)), OVERFLOW]
    assert told[OVERFLOW] == sum(range(1, 100 - SHOWN + 1))


def test_who_was_told_before_keeps_its_place_against_one_that_is_hardly_larger():
    always = [f"v{n}" for n in range(SHOWN - 1) for _ in range(500)]
    before = {"country": _told(always + ["old"] * 100 + ["new"] * 99)}
    assert "old" in before["country"]
    assert "new" not in before["country"]
    hardly = always + ["old"] * 100 + ["new"] * 120
    assert "new" in _told(hardly)
    assert "new" not in _told(hardly, before=before)
    assert "new" in _told(always + ["old"] * 100 + ["new"] * 126, before=before)


def test_a_value_that_is_called_as_the_rest_is_part_of_it():
    assert _told([OVERFLOW, "a"]) == {"a": 1, OVERFLOW: 1}


def test_a_million_made_up_values_are_counted_in_bounded_memory():
    segments, rows = Segments(), 20_000
    for block in range(50):
        names = ["fr", *(f"{block} {n}" for n in range(rows))]
        codes = np.concatenate([np.arange(1, rows + 1), np.zeros(rows // 100, np.int64)])
        segments.add(_frame(Values(CATEGORY, codes, np.ones(codes.size, bool), names)))
    told = segments.told({})["country"]
    assert sum(told.values()) == 50 * (rows + rows // 100)
    assert told["fr"] == 50 * rows // 100
    assert len(told) == SHOWN + 1
    assert len(segments._counts["country"]) <= EXACT_MOST + 1
