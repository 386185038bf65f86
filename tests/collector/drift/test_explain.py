"""Verdicts as a model keeps them, and what is told of the last one's alarm."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.drift.changepoint import changepoint
from tocsin_collector.drift.explain import explain
from tocsin_collector.page.why import sentences
from tocsin_collector.verdict import (
    Distribution,
    FeatureVerdict,
    JointVerdict,
    ModelKey,
    SchemaChange,
    WindowVerdict,
)

KEY = ModelKey("shop", "credit", "3")
HOUR = 3_600.0


def _feature(score=0.1, *, missing=0.01, name="city", now=(0.5, 0.3, 0.2)):
    reasons = ("city is elsewhere",) if score > 0.2 else ()
    reasons = ("too many are missing", *reasons) if missing > 0.05 else reasons
    cells = Distribution(("Lyon", "Nice", "Paris"), (0.5, 0.3, 0.2), now)
    return FeatureVerdict(name, "category", "js", 9, score, 0.2, missing, 0.01, 0.05, 0.0, 0.1, cells, reasons)


def _window(hour, *features, rows=1_000, **how):
    told = {one.name: one for one in features or (_feature(),)}
    segments = {"country": {"fr": rows * 7 // 10 + hour % 3, "de": rows * 3 // 10}}
    how = {"latency_s": {"p99": 0.01 + hour / 1e5}, "classes": {"yes": 0.3 + hour / 1e4}, "segments": segments} | how
    return WindowVerdict(KEY, hour * HOUR, (hour + 1) * HOUR, 0, rows, told, **how)


QUIET = [_window(hour) for hour in range(20)]
MOVED = _feature(0.5, now=(0.1, 0.3, 0.6))


def test_a_window_that_does_not_alarm_has_nothing_to_explain():
    assert explain(QUIET, ()) is None
    assert explain([], ()) is None


def test_the_feature_its_cells_and_since_when_are_told():
    creeping = _window(20, _feature(0.18))  # not beyond its bound yet, but no longer as before
    (found,) = explain([*QUIET, creeping, _window(21, MOVED), _window(22, MOVED)], ()).features
    assert (found.feature, found.what, found.since_s, found.windows) == ("city", "distribution", 21 * HOUR, 2)
    assert [cell.name for cell in found.cells] == ["Lyon", "Paris"]
    assert (found.cells[0].now, found.cells[0].before) == (0.1, 0.5)


def test_of_missing_values_no_cell_is_blamed():
    (found,) = explain([*QUIET, _window(20, _feature(missing=0.4))], ()).features
    assert (found.what, found.cells) == ("missing values", ())


def test_the_worst_feature_stands_first():
    both = _feature(0.3, name="age"), _feature(0.6)
    assert [one.feature for one in explain([*QUIET, _window(20, *both)], ()).features] == ["city", "age"]


def test_features_that_go_together_otherwise_have_their_own_since_when():
    joint = JointVerdict(1.0, 4.5), JointVerdict(9.0, 4.5, (("age", "income", 9.0),), ("age and income …",))
    windows = [_window(hour, joint=joint[hour >= 18]) for hour in range(20)]
    (found,) = explain(windows, ()).features
    assert (found.feature, found.what, found.since_s) == ("age with income", "dependence", 18 * HOUR)


def test_what_else_is_as_never_before_is_told_and_what_is_as_ever_is_not():
    odd = _window(
        20,
        MOVED,
        rows=9_000,
        latency_s={"p99": 0.4},
        classes={"yes": 0.9},
        segments={"country": {"fr": 900, "it": 8_100}},
    )
    found = explain([*QUIET, odd], ())
    assert {one.name for one in found.segments} == {"country fr", "country de", "country it"}
    assert (found.classes[0].name, found.classes[0].now) == ("yes", 0.9)
    assert (found.rows.now, found.latency_s.now) == (9_000, 0.4)
    usual = explain([*QUIET, _window(20, MOVED)], ())
    assert (usual.segments, usual.rows, usual.latency_s) == ((), None, None)


def test_changes_of_the_schema_are_told_if_they_came_with_it():
    changes = [SchemaChange(at * HOUR, "version", "", f"version of hour {at}") for at in (3, 19.5, 20.5, 25)]
    found = explain([*QUIET, _window(20, MOVED), _window(21, MOVED)], changes)
    assert [one.time_s / HOUR for one in found.changes] == [19.5, 20.5]


def test_few_windows_before_say_nothing_of_what_is_usual():
    found = explain([_window(0), replace(_window(1, MOVED), classes={"yes": 1.0})], ())
    assert (found.classes, found.rows) == ((), None)


def test_the_sentences_say_it_in_words():
    change = SchemaChange(20 * HOUR, "version", "", "version 3 follows 2")
    odd = _window(20, MOVED, latency_s={"p99": 0.4})
    told = sentences(explain([*QUIET, odd], [change]), 0)
    assert told[0] == (
        "city: distribution since 1 Jan 1970 20:00, this window alone "
        "(Lyon 10.0 %, 50.0 % before; Paris 60.0 %, 20.0 % before)"
    )
    assert told[1:] == [
        "The 99th percentile of latency is 400 ms, 10.1 ms before",
        "1 Jan 1970 20:00: version 3 follows 2",
    ]


@given(st.integers(1, 30), st.integers(1, 30), st.floats(0.5, 5), st.randoms(use_true_random=False))
def test_a_step_is_found_where_it_is(before, after, height, random):
    series = [random.uniform(0, 0.1) for _ in range(before)] + [height + random.uniform(0, 0.1) for _ in range(after)]
    assert changepoint(series) == before


@given(st.lists(st.floats(allow_nan=True), max_size=20))
def test_any_series_has_a_place_in_it(series):
    assert changepoint(series) in range(-1, len(series) or 1)
