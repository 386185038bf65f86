"""A line of the configuration says for which spans of event time reports are due."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.reports.schedule import MISSED_MOST, Plan, Span, due, plan
from tocsin_collector.reports.scheduler import plans
from tocsin_collector.verdict import ModelKey
from tocsin_schema.config import ConfigError

DAY_S = 86_400.0


def _at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _days(spans):
    return [datetime.fromtimestamp(span.start_s, UTC).isoformat()[:16] for span in spans]


def test_a_line_is_a_plan():
    assert plan("shop credit every=day at=06:30 by=evidently") == Plan("shop", "credit", "day", 23_400.0, "evidently")
    assert plan("'my shop' * every=week reference=training") == Plan("my shop", "*", "week", 0.0, "tocsin", "training")


@pytest.mark.parametrize(
    "line",
    [
        "", "shop", "shop credit", "shop credit every=hour", "shop credit every=day at=25:00",
        "shop credit every=day at=6",
        "shop credit every=day by=pdf", "shop credit every=day often=yes", "shop credit 'every=day", "shop credit day",
        "shop credit every=day by=evidently reference=training", "'' credit every=day",
    ],
)  # fmt: skip
def test_another_line_is_told_what_would_be_right(line):
    with pytest.raises(ValueError, match=r"expected, as in 'shop credit every=day'|leave reference= out"):
        plan(line)


@given(st.text(max_size=60))
def test_any_text_is_a_plan_or_told(line):
    with pytest.raises(ValueError, match="expected"):
        plan(f"{line} every=year")


def test_all_faulty_lines_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        plans(["shop credit", "shop credit every=day", "shop fraud every=year"])
    assert len(caught.value.faults) == 2
    assert all(fault.startswith("reports.schedule: 'shop ") for fault in caught.value.faults)


def test_a_star_is_any():
    key = ModelKey("shop", "credit", "3")
    assert plan("* * every=day").is_for(key)
    assert plan("shop * every=day").is_for(key)
    assert not plan("shop fraud every=day").is_for(key)
    assert not plan("bank * every=day").is_for(key)


def test_the_first_report_is_of_the_newest_day_that_is_over():
    daily = plan("* * every=day at=06:00")
    assert _days(due(daily, _at("2026-11-27T05:59"), 0, None)) == ["2026-11-25T00:00"]
    assert _days(due(daily, _at("2026-11-27T06:00"), 0, None)) == ["2026-11-26T00:00"]


def test_a_week_begins_on_monday():
    weekly = plan("* * every=week")
    (span,) = due(weekly, _at("2026-11-27T06:00"), 0, None)
    assert span == Span(_at("2026-11-16T00:00"), _at("2026-11-23T00:00"))
    assert datetime.fromtimestamp(span.start_s, UTC).weekday() == 0


def test_a_day_is_a_local_one():
    daily = plan("* * every=day at=01:00")
    assert _days(due(daily, _at("2026-11-27T06:00"), -5 * 3_600, None)) == ["2026-11-26T05:00"]
    assert _days(due(daily, _at("2026-11-27T05:59"), -5 * 3_600, None)) == ["2026-11-25T05:00"]


def test_what_was_missed_is_due_oldest_first_and_the_newest_few_of_much():
    daily, now_s = plan("* * every=day"), _at("2026-11-27T00:00")
    assert _days(due(daily, now_s, 0, _at("2026-11-25T00:00"))) == ["2026-11-25T00:00", "2026-11-26T00:00"]
    assert due(daily, now_s, 0, now_s) == []
    assert len(due(daily, now_s, 0, _at("2025-01-01T00:00"))) == MISSED_MOST
    assert _days(due(daily, now_s, 0, _at("2025-01-01T00:00")))[-1] == "2026-11-26T00:00"


@given(
    st.floats(0, 4e9), st.sampled_from([0, -18_000, 19_800]), st.sampled_from(["day", "week"]), st.integers(0, 86_340)
)
def test_every_span_is_over_and_reported_once(now_s, offset_s, every, at_s):
    known, last, seen = Plan("*", "*", every, float(at_s)), None, []
    for step in range(4):
        spans = due(known, now_s + step * 2 * DAY_S, offset_s, last)
        for span in spans:
            assert span.end_s + at_s <= now_s + step * 2 * DAY_S
            seen.append(span)
            last = span.end_s
    assert len(set(seen)) == len(seen)
    assert all(a.end_s == b.start_s for a, b in pairwise(seen))
