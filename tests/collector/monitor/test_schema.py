"""The schema of a model is what its stream shows, and each change of it is told once."""

import numpy as np
import pytest

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.monitor.monitor import Monitor
from tocsin_collector.monitor.schema import CHANGES_KEPT, FEATURES_MOST, Schema
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.verdict import ModelKey

HOUR = 3_600
KEY = ModelKey("shop", "credit", "3")


def _block(hour, rows=50, key=KEY, **features):
    """An hour's rows; a feature's value is the same in all of them."""
    columns = {
        f"feature.{name}": category([value] * rows) if isinstance(value, str | None) else number([value] * rows)
        for name, value in features.items()
    }
    times = np.full(rows, hour * HOUR * 1_000_000)
    return Frame("prediction", key, times, [f"{hour} {row}" for row in range(rows)], columns)


@pytest.fixture
def monitor():
    return Monitor(Calendar(HOUR, 0, 0, 6 * HOUR), keep=50, min_rows=10, on_verdict=lambda verdict: None)


def _changes(monitor, key=KEY):
    (view,) = (view for view in monitor.views() if view.key == key)
    return [(change.what, change.feature, change.time_s / HOUR) for change in view.changes]


def _apply(monitor, *blocks):
    for block in blocks:
        monitor.apply(block, 0)


def test_the_first_block_registers_and_is_no_change(monitor):
    _apply(monitor, _block(1, age=41.0, city="Lyon"))
    (view,) = monitor.views()
    assert [(one.name, one.kind, one.since_s / HOUR) for one in view.schema] == [
        ("age", "number", 1),
        ("city", "category", 1),
    ]
    assert view.changes == ()


def test_a_feature_that_comes_later_is_new_once(monitor):
    _apply(monitor, _block(1, age=41.0), _block(2, age=41.0, income=1.0), _block(3, age=41.0, income=2.0))
    assert _changes(monitor) == [("new", "income", 2)]


def test_a_feature_of_another_kind_is_told_once_and_both_kinds_are_known(monitor):
    _apply(monitor, _block(1, age=41.0), _block(2, age="41"), _block(3, age=41.0), _block(4, age="41"))
    assert _changes(monitor) == [("kind", "age", 2)]
    assert monitor.views()[0].schema[0].kinds == {"number": HOUR, "category": 2 * HOUR}


def test_a_feature_vanishes_with_the_first_window_without_it_and_may_return(monitor):
    _apply(monitor, _block(1, age=41.0, city="Lyon"), *(_block(hour, age=41.0) for hour in range(2, 6)))
    assert _changes(monitor) == [("vanished", "city", 2)]
    assert monitor.views()[0].schema[1].gone_s == 2 * HOUR
    _apply(monitor, _block(6, age=41.0, city="Nice"))
    assert _changes(monitor) == [("vanished", "city", 2), ("returned", "city", 6)]
    assert monitor.views()[0].schema[1].gone_s is None


def test_a_feature_without_any_value_is_not_there(monitor):
    _apply(monitor, _block(1, age=41.0, city=None), _block(2, age=41.0, city="Lyon"))
    assert _changes(monitor) == [("new", "city", 2)]


def test_a_feature_that_is_rare_does_not_vanish(monitor):
    few = number([1.0] + [None] * 49)
    first = _block(1, age=41.0)
    first.columns["feature.rare"] = few
    _apply(monitor, first, *(_block(hour, age=41.0) for hour in range(2, 6)))
    assert _changes(monitor) == []


def test_a_version_follows_the_one_before_it_and_tells_what_is_different(monitor):
    new = KEY._replace(version="4")
    _apply(monitor, _block(1, age=41.0, city="Lyon"), _block(2, age=41.0, city="Lyon"))
    for hour in range(3, 6):
        _apply(monitor, _block(hour, key=new, age="41", income=1.0))
    assert _changes(monitor) == []
    assert _changes(monitor, new) == [
        ("version", "", 3),
        ("kind", "age", 3),
        ("new", "income", 3),
        ("vanished", "city", 3),
    ]


def test_other_models_are_not_followed(monitor):
    _apply(monitor, _block(1, age=41.0), _block(2, key=KEY._replace(model="churn"), tenure=1.0))
    assert _changes(monitor, KEY._replace(model="churn")) == []


def test_made_up_names_are_bounded():
    schema = Schema()
    for turn in range(3):
        schema.see({f"{turn} {name}": "number" for name in range(FEATURES_MOST)}, 0.0)
    assert (len(schema.features), len(schema.changes)) == (FEATURES_MOST, 0)
    for turn in range(2 * CHANGES_KEPT):
        schema.features.pop(f"0 {turn}")
        schema.see({f"again {turn}": "number"}, 0.0)
    assert (len(schema.changes), schema.totals["new"]) == (CHANGES_KEPT, 2 * CHANGES_KEPT)
