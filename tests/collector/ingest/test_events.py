"""One JSON event: what is wrong is said with a stable code and the name of the field."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.ingest.events import Event, EventError, read

PREDICTION = {"type": "prediction", "model": "credit", "id": "a1", "prediction": "yes"}
LABEL = {"type": "label", "model": "credit", "id": "a1", "label": "no"}
OUTCOME = {"type": "outcome", "model": "credit", "id": "a1", "name": "conversion", "value": 1}


def test_a_prediction_has_every_field_of_the_contract() -> None:
    event = read(
        PREDICTION
        | {
            "project": "shop",
            "version": "3",
            "time": "2026-11-23T10:00:00Z",
            "features": {"age": 41, "city": "Lyon", "new": True, "income": None},
            "scores": {"yes": 0.81, "no": 0.19},
            "latency_s": 0.004,
            "segment": {"country": "fr"},
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        },
        0,
    )
    assert event == Event(
        "prediction",
        "shop",
        "credit",
        "3",
        "a1",
        1_795_428_000_000_000,
        {
            "feature.age": 41,
            "feature.city": "Lyon",
            "feature.new": True,
            "feature.income": None,
            "score.yes": 0.81,
            "score.no": 0.19,
            "segment.country": "fr",
            "prediction": "yes",
            "latency_s": 0.004,
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        },
    )


def test_what_is_left_out_has_its_default() -> None:
    assert read(PREDICTION, 7)[:6] == ("prediction", "default", "credit", "", "a1", 7)
    assert read(PREDICTION | {"time": None, "version": None, "features": None}, 7) == read(PREDICTION, 7)


def test_labels_and_outcomes_are_read() -> None:
    assert read(LABEL, 0).columns == {"label": "no"}
    assert read(OUTCOME, 0).columns == {"name": "conversion", "value": 1}


@pytest.mark.parametrize(
    ("event", "code", "names"),
    [
        (17, "wrong_type", "event"),
        (None, "wrong_type", "event"),
        ([], "wrong_type", "event"),
        ({}, "unknown_type", "type"),
        ({"type": "guess"}, "unknown_type", "prediction, label, outcome"),
        ({"type": ["label"]}, "unknown_type", "type"),
        (PREDICTION | {"model": None}, "missing_field", "model"),
        (PREDICTION | {"id": None}, "missing_field", "id"),
        (PREDICTION | {"prediction": None}, "missing_field", "prediction"),
        (LABEL | {"label": None}, "missing_field", "label"),
        (OUTCOME | {"value": None}, "missing_field", "value"),
        (PREDICTION | {"id": ""}, "out_of_range", "id"),
        (PREDICTION | {"id": "x" * 257}, "out_of_range", "id"),
        (PREDICTION | {"model": "x" * 257}, "out_of_range", "model"),
        (PREDICTION | {"id": 12}, "wrong_type", "id"),
        (PREDICTION | {"model": {"a": 1}}, "wrong_type", "model"),
        (PREDICTION | {"features": [1]}, "wrong_type", "features"),
        (PREDICTION | {"features": "age=1"}, "wrong_type", "features"),
        (PREDICTION | {"features": ""}, "wrong_type", "features"),
        (PREDICTION | {"scores": []}, "wrong_type", "scores"),
        (PREDICTION | {"segment": False}, "wrong_type", "segment"),
        (PREDICTION | {"prediction": ["a", 1 << 63]}, "out_of_range", "prediction.1"),
        (PREDICTION | {"features": {"age": [41]}}, "out_of_range", "features.age"),
        (PREDICTION | {"features": {"age": [41, "b"]}}, "wrong_type", "features.age"),
        (PREDICTION | {"features": {"age": {}}}, "wrong_type", "features.age"),
        (PREDICTION | {"features": {"age": float("nan")}}, "not_finite", "features.age"),
        (PREDICTION | {"features": {"age": float("inf")}}, "not_finite", "features.age"),
        (PREDICTION | {"features": {"age": 1 << 63}}, "out_of_range", "features.age"),
        (PREDICTION | {"features": {"age": -(10**400)}}, "out_of_range", "features.age"),
        (PREDICTION | {"features": {"": 1}}, "out_of_range", "features"),
        (PREDICTION | {"features": {"x" * 300: 1}}, "out_of_range", "features"),
        (PREDICTION | {"features": {str(n): n for n in range(1001)}}, "too_many_fields", "1001"),
        (PREDICTION | {"features": {"city": "\ud800"}}, "bad_text", "features.city"),
        (PREDICTION | {"features": {"\ud800": 1}}, "bad_text", "features"),
        (PREDICTION | {"features": {"city": "x" * 70_000}}, "out_of_range", "features.city"),
        (PREDICTION | {"features": {"city": "é" * 40_000}}, "out_of_range", "80000"),
        (PREDICTION | {"scores": {"yes": "0.5"}}, "wrong_type", "scores.yes"),
        (PREDICTION | {"scores": {"yes": True}}, "wrong_type", "scores.yes"),
        (PREDICTION | {"segment": {"country": 33}}, "wrong_type", "segment.country"),
        (PREDICTION | {"latency_s": "fast"}, "wrong_type", "latency_s"),
        (PREDICTION | {"latency_s": True}, "wrong_type", "latency_s"),
        (PREDICTION | {"time": 1795428000}, "wrong_type", "time"),
        (PREDICTION | {"time": "yesterday"}, "bad_time", "2026-11-23T10:00:00Z"),
        (PREDICTION | {"time": "2026-02-30T10:00:00Z"}, "bad_time", "2026-02-30"),
        (PREDICTION | {"feature": {}}, "unknown_field", "did you mean features?"),
        (LABEL | {"prediction": 1}, "unknown_field", "prediction"),
        (OUTCOME | {"value": "1"}, "wrong_type", "value"),
        (OUTCOME | {"name": 1}, "wrong_type", "name"),
    ],
)
def test_what_is_wrong_is_said(event: object, code: str, names: str) -> None:
    with pytest.raises(EventError) as caught:
        read(event, 0)
    assert caught.value.code == code
    assert names in caught.value.reason
    assert len(caught.value.reason.encode()) < 400


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=8), st.just("\ud800")
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([PREDICTION, LABEL, OUTCOME]),
    st.dictionaries(
        st.sampled_from(["type", "project", "version", "id", "time", "features", "scores", "label", "value", "x"]),
        VALUES,
    ),
)
def test_any_value_is_taken_or_refused_with_a_reason(event: dict[str, object], more: dict[str, object]) -> None:
    try:
        found = read(event | more, 5)
    except EventError as error:
        error.reason.encode()
        return
    assert isinstance(found, Event)
    found.id.encode()
