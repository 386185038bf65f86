import dataclasses

import numpy as np
import pytest

from tocsin_collector.drift import compare, fit
from tocsin_collector.frame import Frame, category, number
from tocsin_collector.profile import ProfileError, empty, layout_of, profile
from tocsin_collector.verdict import ModelKey

CITIES = ["Lyon", "Nice", "Brest", "Lille"]


def frame(**columns):
    rows = len(next(iter(columns.values())).valid)
    named = {f"feature.{name}": values for name, values in columns.items()}
    return Frame("prediction", ModelKey("shop", "credit", "1"), np.zeros(rows, np.int64), ["x"] * rows, named)


def window(seed, rows=1_000, mean=0.0, missing=0.0, shares=(0.4, 0.3, 0.2, 0.1)):
    rng = np.random.default_rng(seed)
    amounts = [
        None if gone else value
        for gone, value in zip(rng.random(rows) < missing, rng.normal(mean, 1, rows), strict=True)
    ]
    return frame(amount=number(amounts), city=category(rng.choice(CITIES, rows, p=shares).tolist()))


@pytest.fixture(scope="module")
def reference():
    frames = [window(seed, missing=0.01) for seed in range(30)]
    layout = layout_of(frames)
    return fit([profile(one, layout) for one in frames], layout)


def judge(reference, one, min_rows=100):
    return compare(reference, profile(one, reference.layout), min_rows)


def test_more_of_the_same_is_silent(reference):
    for seed in range(100, 130):
        for verdict in judge(reference, window(seed, missing=0.01)).values():
            assert not verdict.alarmed
            assert verdict.score < verdict.threshold


def test_a_shift_says_where_and_by_how_much(reference):
    found = judge(reference, window(1, mean=0.5))["amount"]
    (reason,) = found.reasons
    assert reason.startswith("amount: ")
    assert " of values are below " in reason
    assert f"(distance {found.score:.2f}, bound {found.threshold:.2f})" in reason


def test_a_category_that_takes_over_is_named(reference):
    found = judge(reference, window(1, shares=(0.2, 0.3, 0.2, 0.3)))["city"]
    assert "'Lyon' is " in found.reasons[0] or "'Lille' is " in found.reasons[0]
    assert "in the reference (distance" in found.reasons[0]


def test_missing_values_alarm_beside_the_references_worst_window(reference):
    found = judge(reference, window(1, missing=0.1))["amount"]
    assert len(found.reasons) == 1
    assert "of values are missing, the reference's worst window had " in found.reasons[0]
    assert found.missing_ratio > found.missing_threshold > found.missing_reference


def test_a_feature_that_vanished_alarms(reference):
    found = judge(reference, frame(amount=number([0.0, 1.0, -1.0, 0.5] * 100)))["city"]
    assert found.reasons[0].startswith("city: 100.0 % of values are missing")
    assert found.score is None


def test_a_feature_of_another_kind_alarms(reference):
    found = judge(reference, frame(amount=category(["12,5"] * 200), city=category(["Lyon"] * 200)))["amount"]
    assert found.reasons[0].startswith("amount: 100.0 % of values are infinite or no number")


def test_infinities_alarm(reference):
    one = window(3)
    one.columns["feature.amount"].data[:50] = np.inf
    assert "infinite or no number" in judge(reference, one)["amount"].reasons[0]


def test_new_categories_alarm_and_a_single_one_does_not(reference):
    one, few = window(4), window(4)
    one.columns["feature.city"].names.append("Paris")
    one.columns["feature.city"].data[0] = 4
    assert not judge(reference, one)["city"].alarmed
    few.columns["feature.city"].names.append("Paris")
    few.columns["feature.city"].data[:30] = 4
    found = judge(reference, few)["city"]
    assert found.reasons[0].startswith("city: 3.0 % of values are categories that the reference does not have")
    assert found.new_ratio == pytest.approx(0.03)


def test_a_category_that_comes_with_the_days_of_the_reference_is_expected_to_go_on_coming():
    frames = [frame(city=category(["Lyon"] * 900 + [f"town{day}"] * 20)) for day in range(30)]
    layout = layout_of(frames)
    trickle = fit([profile(one, layout) for one in frames], layout)
    assert not judge(trickle, frame(city=category(["Lyon"] * 900 + ["town99"] * 20)))["city"].alarmed


def test_a_thin_window_is_described_and_not_judged(reference):
    found = judge(reference, window(5, rows=60, mean=9), min_rows=100)["amount"]
    assert (found.score, found.threshold, found.reasons) == (None, None, ())
    assert sum(found.distribution.current) == pytest.approx(1)


def test_an_empty_window_is_no_error(reference):
    for found in compare(reference, empty(reference.layout), 1).values():
        assert not found.alarmed
        assert set(found.distribution.current) == {0.0}


def test_a_damaged_reference_alarms_instead_of_being_silent(reference):
    known = reference.features["amount"]
    broken = known._replace(distance=known.distance._replace(process=float("nan")))
    found = judge(reference._replace(features={"amount": broken}), window(6))["amount"]
    assert "build the reference again" in found.reasons[0]


def test_another_layout_is_refused(reference):
    other = layout_of([window(1)])
    with pytest.raises(ProfileError, match="another layout"):
        compare(reference, profile(window(1), other), 100)


def test_one_window_is_reference_enough_for_a_gross_change():
    layout = layout_of([window(1)])
    only = fit([profile(window(1), layout)], layout)
    assert not any(found.alarmed for seed in range(40, 60) for found in judge(only, window(seed)).values())
    assert judge(only, window(2, mean=6))["amount"].alarmed


def test_a_reference_of_nothing_judges_nothing(reference):
    nothing = fit([], reference.layout)
    assert all(found.score is None for found in judge(nothing, window(1)).values())
    assert fit([empty(reference.layout)], reference.layout).windows == 0


def test_the_shown_distribution_has_few_cells_and_whole_shares(reference):
    for found in judge(reference, window(7)).values():
        shown = found.distribution
        assert len(shown.cells) == len(shown.current) == len(shown.reference) <= 32
        assert sum(shown.current) == pytest.approx(1)
        assert sum(shown.reference) == pytest.approx(1)
        assert shown.edges is None or len(shown.edges) == len(shown.cells) - 1


def test_thirty_quiet_windows_of_many_features_stay_quiet():
    """Ten references with a weekly season, thirty more days each: at a rate of 0.1 more than three is 1 in 80."""
    alarmed = sum(_season_alarms(seed) for seed in range(10))
    assert alarmed <= 3


def _season_alarms(seed):
    rng = np.random.default_rng(seed)
    season, missing = rng.normal(size=(7, 6)) * 0.2, np.abs(rng.normal(size=(7, 6))) * 0.02

    def day(number_of_day):
        rows, week = 400, number_of_day % 7
        return frame(
            **{
                f"f{i}": dataclasses.replace(
                    number(rng.normal(season[week, i], 1, rows).tolist()), valid=rng.random(rows) >= missing[week, i]
                )
                for i in range(6)
            }
        )

    frames = [day(i) for i in range(49)]
    layout = layout_of(frames)
    known = fit([profile(one, layout) for one in frames], layout)
    return any(found.alarmed for i in range(30) for found in judge(known, day(49 + i)).values())


def test_a_reference_too_small_to_tell_judges_nothing():
    windows = [window(seed, rows=300, mean=2.0 * seed) for seed in range(2)]
    layout = layout_of(windows)
    few = fit([profile(one, layout) for one in windows], layout)
    verdict = judge(few, window(5, rows=300, mean=9.0))["amount"]
    assert (verdict.score, verdict.threshold, verdict.reasons) == (None, None, ())
