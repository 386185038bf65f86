import numpy as np
import pytest

from tocsin_collector.frame import Frame, Values, category
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.profile.coarse import codes, shares
from tocsin_collector.quality import Labelled, measure
from tocsin_collector.quality.estimate import Past, answers, fit, losses, said, shifts, tell
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey


def _number(data):
    return Values(NUMBER, data, np.ones(len(data), bool))


def _rows(seed, rows, shift=0.0, *, flipped=False):
    """A classifier that knows ``x`` well and ``group`` not at all: in group b what it says is half as often true."""
    rng = np.random.default_rng(seed)
    x, in_b = rng.normal(size=rows), rng.random(rows) < 0.2 + shift
    score = 1 / (1 + np.exp(-2 * x))
    true = rng.random(rows) < np.where(in_b, 0.25 + score / 2, score)
    if flipped:
        true = ~true
    group = Values(CATEGORY, in_b.astype(np.int64), np.ones(rows, bool), ["a", "b"])
    columns = {"feature.x": _number(x), "feature.group": group}
    frame = Frame("prediction", ModelKey("p", "m", "1"), np.zeros(rows, np.int64), ["x"] * rows, columns)
    return frame, category(["yes" if one else "no" for one in true]), {"yes": _number(score), "no": _number(1 - score)}


def _asked(model, layout, window):
    frame, _, scores = window
    told = said(None, scores)
    return answers(model, told, shares(profile(frame, layout)), losses(model, told, codes(frame, layout)))


def _fitted():
    frame, label, scores = _rows(1, 20_000)
    layout = layout_of([frame])
    return fit(label, None, scores, codes(frame, layout)), layout


def test_the_interval_holds_what_the_labels_show():
    model, layout = _fitted()
    held = []
    for seed in range(10, 30):
        window = _rows(seed, 1_000)
        verdict = tell(model, _asked(model, layout, window), 1_000, [])
        for name, score in measure(Labelled(window[1], None, window[2])).scores.items():
            low, high = verdict.bounds[name]
            assert low <= verdict.scores[name] <= high
            held.append(low <= score.value <= high)
    assert np.mean(held) > 0.85


def test_rows_from_where_the_score_means_less_lower_the_weighted_estimate():
    model, layout = _fitted()
    window = _rows(31, 5_000, shift=0.6)
    told = _asked(model, layout, window)
    real = measure(Labelled(window[1], None, window[2])).scores
    assert told["weighted"]["auc"] == pytest.approx(real["auc"].value, abs=0.02)
    assert told["cbpe"]["auc"] > real["auc"].value + 0.05  # it sees the scores alone, and these are as ever


def test_what_the_labels_show_later_is_parted_into_covariate_and_concept_shift():
    model, layout = _fitted()
    reference = {name: score.value for name, score in model.reference.items()}
    for window, part in ((_rows(32, 5_000, shift=0.6), 0), (_rows(33, 5_000, flipped=True), 1)):
        real = {name: one.value for name, one in measure(Labelled(window[1], None, window[2])).scores.items()}
        found = shifts(reference, _asked(model, layout, window)["weighted"], real)["auc"]
        assert sum(found) == pytest.approx(real["auc"] - reference["auc"])
        assert abs(found[part]) > 0.8 * abs(sum(found))


def test_an_interval_is_never_narrower_than_the_errors_that_were_seen():
    model, layout = _fitted()
    told = _asked(model, layout, _rows(34, 1_000))
    wrong = Past(told, {name: value - 0.2 for name, value in told["cbpe"].items()})
    assert tell(model, told, 1_000, [wrong] * 8).bounds["auc"][0] <= told["cbpe"]["auc"] - 0.2


def test_other_classes_than_the_references_and_no_rows_are_not_estimated():
    model, _ = _fitted()
    _, _, scores = _rows(35, 100)
    for odd in (
        {"maybe": scores["yes"]},
        {name: values.take(np.array([], np.intp)) for name, values in scores.items()},
    ):
        assert answers(model, said(None, odd), None, np.zeros(2, np.int64)) == {}
    assert tell(model, {}, 100, []) is None


def test_too_few_labels_teach_nothing():
    frame, label, scores = _rows(36, 100)
    assert fit(label, None, scores, codes(frame, layout_of([frame]))) is None
