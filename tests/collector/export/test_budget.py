"""Places and room by budget: stable, within it, and no count is lost."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.export.test_metrics import Watched, feature, shown, values
from tests.collector.export.test_text import read
from tests.collector.exposed import text
from tocsin_collector.export.budget import CORE, Budget, busiest, folded, rooms
from tocsin_collector.export.exposition import Column
from tocsin_collector.export.metrics import Metrics
from tocsin_collector.export.models import totals
from tocsin_collector.frame import frame
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import Block, column
from tocsin_schema.metric import OVERFLOW

KEYS = st.builds(ModelKey, st.sampled_from("pq"), st.sampled_from("abcdefgh"), st.sampled_from("12"))
WANTED = st.dictionaries(KEYS, st.integers(0, 300), max_size=16)
BUDGETS = st.builds(Budget, st.integers(20, 200), st.integers(20, 400))


@given(WANTED, BUDGETS)
def test_a_budget_is_kept_and_none_has_more_than_it_wants(wanted, budget):
    found = rooms(wanted, budget)
    assert all(0 <= room <= wanted[key] for key, room in found.items())
    assert all(room + CORE <= budget.model for room in found.values())
    for project in "pq":
        assert sum(CORE + room for key, room in found.items() if key.project == project) <= budget.project


@given(WANTED, BUDGETS, KEYS, st.integers(0, 300))
def test_who_comes_later_takes_no_place_of_those_before(wanted, budget, late, more):
    wanted.pop(late, None)
    before, after = rooms(wanted, budget), rooms(wanted | {late: more}, budget)
    assert before.keys() <= after.keys()
    assert sum(after.values()) + CORE * len(after) >= sum(before.values()) + CORE * len(before)


@given(st.dictionaries(KEYS, st.integers(0, 9)), st.sets(KEYS))
def test_counts_of_what_is_not_shown_are_in_other(counts, shown):
    before = Column("tocsin_labels_total", {}, ModelKey._fields, [*counts], [*counts.values()])
    after = folded(before, shown)
    assert sum(after.values) == sum(before.values)
    assert {key for key in after.keys if key[1] != OVERFLOW} == counts.keys() & shown
    assert len(set(after.keys)) == len(after.keys)


COUNTS = st.dictionaries(st.sampled_from([*"abcdefgh", OVERFLOW]), st.integers(0, 100))


@given(COUNTS, st.sets(st.sampled_from("abcdefgh")), st.integers(1, 9))
def test_values_of_a_segment_are_the_busiest_and_their_sum_is_whole(counts, shown, most):
    found = busiest(counts, shown, most)
    assert len(found) <= most
    assert sum(found.values()) == sum(counts.values())
    least = min((count for name, count in found.items() if name != OVERFLOW), default=0)
    assert all(counts[name] <= 1.25 * least or most == 1 for name in counts.keys() - found.keys())


def test_a_value_keeps_its_place_until_another_has_a_quarter_more():
    kept: set = set()
    for counts, expected in (
        ({"a": 10, "b": 9, "c": 1}, {"a", OVERFLOW}),
        ({"a": 9, "b": 11, "c": 1}, {"a", OVERFLOW}),
        ({"a": 8, "b": 11, "c": 1}, {"b", OVERFLOW}),
        ({"a": 10, "b": 9, "c": 1}, {"b", OVERFLOW}),
    ):
        kept = busiest(counts, kept, 2).keys()
        assert kept == expected


def test_a_segment_without_any_room_is_left_out():
    assert busiest({"a": 1}, (), 0) == {}


def test_features_beyond_the_budget_are_left_out_the_last_first_and_counted():
    model = Watched()
    model.judge = object()
    model.close(7, [feature(f"f{number:02d}", 0.1) for number in range(40)])
    metrics = shown(model, budget=Budget(100, 2_000))
    found = values(metrics)
    features = {key[2] if key[1] == "credit" else key[1] for key in found if key[0] == "tocsin_feature_missing_ratio"}
    assert features == {f"f{number:02d}" for number in range((100 - CORE) // 8)}
    assert found["tocsin_series_folded", "model"] == 8 * (40 - len(features)) == metrics.folded[model.key]
    assert found["tocsin_series_folded", "project"] == 0
    assert found["tocsin_drift_alarm", "credit"] == 0


def test_versions_beyond_the_budget_of_their_project_are_added_up():
    models = [Watched(f"m{number}") for number in range(40)]
    for number, model in enumerate(models):
        model.labels_total = number
        model.close(1)
    metrics = shown(*models, budget=Budget(100, 100))
    found = values(metrics)
    labels = {key[1]: value for key, value in found.items() if key[0] == "tocsin_labels_total"}
    assert sum(labels.values()) == sum(range(40))
    assert len(labels) == 1 + (100 - CORE - 2) // CORE
    assert OVERFLOW in labels
    assert found["tocsin_series_folded", "project"] == CORE * (40 - len(labels) + 1)
    assert len(found) <= 100
    assert not [key for key in found if key[:2] == ("tocsin_window_rows", OVERFLOW)], "a gauge has no sum"


@pytest.mark.timeout(120)
def test_an_attack_by_segments_stays_within_the_budget_and_loses_no_row():
    calendar = Calendar(3_600.0, 0.0, 0.0, 0.0)
    monitor = Monitor(calendar, keep=10, min_rows=50, on_verdict=lambda verdict: None)
    rows, hour_us = 5_000, 3_600_000_000
    for number in range(20):
        monitor.apply(block(rows, number, hour_us), number)
    monitor.apply(block(1, 20, 2 * hour_us), 20)
    monitor.tick()
    metrics = Metrics(monitor.models, lambda: totals(monitor.models()), Budget(200, 2_000))
    found = read(asyncio.run(text(metrics)), "text")
    assert len([key for key in found if ("project", "shop") in key]) <= 200
    segments = {key: value for key, value in found.items() if key[0] == "tocsin_window_segment_rows"}
    for name in ("user", "country"):
        assert sum(value for key, value in segments.items() if ("segment", name) in key) == 20 * rows


def block(rows, number, time_us):
    columns = [
        column("time", [time_us] * rows, "time"),
        column("id", [f"{number}-{row}" for row in range(rows)], "str"),
        column("prediction", ["yes"] * rows, "str"),
        column("segment.user", [f"u{number}-{row}" for row in range(rows)], "str"),
        column("segment.country", [f"c{row % 7}" for row in range(rows)], "str"),
    ]
    return frame(
        Block(
            "prediction",
            project="shop",
            model="credit",
            version="3",
            rows=rows,
            producer=f"{number:032x}",
            sequence=1,
            columns={c.name: c for c in columns},
        )
    )
