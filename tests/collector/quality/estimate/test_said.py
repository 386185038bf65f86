import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import category, number
from tocsin_collector.quality.estimate.said import said, truths
from tocsin_collector.quality.labelled import Classified, Labelled, sound

cells = st.one_of(st.none(), st.floats(-0.5, 1.5), st.sampled_from([float("nan"), float("inf"), 0.0, 1.0]))


@given(st.lists(st.tuples(cells, cells, st.sampled_from(["a", "b", "c"])), min_size=1))
def test_it_reads_scores_as_quality_with_labels_does(rows):
    left, right, label = zip(*rows, strict=True)
    for scores in ({"a": number(left), "b": number(right)}, {"b": number(left)}):
        told, known = said(None, scores), sound(Labelled(category(label), None, scores))
        assert isinstance(known, Classified)
        assert told.classes == known.classes
        assert np.array_equal(told.table.T, known.probabilities)
        assert np.array_equal(truths(told.classes, category(label))[told.usable], known.truth)


def test_a_regression_is_its_finite_predictions():
    told = said(number([1.0, None, float("nan"), 4.0]), {})
    assert told.classes == ()
    assert told.table.tolist() == [[1.0, 4.0]]


def test_nothing_is_said_by_classes_without_scores_or_by_scores_that_are_texts():
    assert said(category(["yes", "no"]), {}) is None
    assert said(None, {"yes": category(["0.5"])}) is None
    assert said(None, {}) is None
