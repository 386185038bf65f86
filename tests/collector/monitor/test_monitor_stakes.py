"""Floors and costs as the configuration states them."""

import pytest

from tocsin_collector.monitor.monitor import Name
from tocsin_collector.monitor.stakes import stakes
from tocsin_schema.config import ConfigError


def stated(floors=(), costs=()):
    return stakes({"quality.floors": list(floors), "quality.costs": list(costs)})


def test_a_model_has_its_own():
    found = stated(
        ["shop credit auc 0.7", "shop credit brier 0.2"], ["shop credit bad good 1200", "a b 'on time' late 3"]
    )
    assert found[Name("shop", "credit")].floors == {"auc": 0.7, "brier": 0.2}
    assert found[Name("shop", "credit")].costs == {("bad", "good"): 1200}
    assert found[Name("a", "b")].costs == {("on time", "late"): 3}


@pytest.mark.parametrize(
    "text", ["", "shop credit auc", "shop credit auc much", "shop credit auc nan", "shop 'credit auc 1"]
)
def test_a_bad_floor_says_what_would_be_right(text):
    with pytest.raises(ConfigError, match="PROJECT MODEL SCORE VALUE expected"):
        stated([text])


def test_every_fault_is_told_at_once():
    with pytest.raises(ConfigError) as error:
        stated(["shop credit auk 0.7"], ["shop credit bad good"])
    assert "'auk' is no score: one of auc" in error.value.faults[0]
    assert "PROJECT MODEL LABEL PREDICTED COST expected" in error.value.faults[1]
