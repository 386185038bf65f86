"""Predictions that are read all at once: the same as with care, or not at all."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.ingest.drafts import kinds_of
from tocsin_collector.ingest.events import EventError, read
from tocsin_collector.ingest.jsonbody import _texts
from tocsin_collector.ingest.plain import plain

USUAL: dict[str, Any] = {
    "type": "prediction",
    "project": "shop",
    "model": "credit",
    "version": "3",
    "id": "a1",
    "time": "2026-11-23T10:00:00Z",
    "features": {"age": 41, "city": "Lyon", "new": True, "income": None, "rate": 0.5},
    "prediction": "yes",
    "scores": {"yes": 0.81, "no": None},
    "latency_s": 0.004,
    "segment": {"country": "fr"},
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}
NUMBERS = st.sampled_from(
    [True, 0, 1, -1.5, 1e300, 1 << 53, 1 << 63, -(10**400), float("nan"), float("inf"), -float("inf")]
)
TEXTS = st.sampled_from(
    ["", "x", "Orléans", "\ud800", "x" * 256, "x" * 257, "x" * 65_536, "é" * 40_000, "2026-11-23T10:00:00Z"]
)
LEAVES = NUMBERS | TEXTS | st.sampled_from([None, [], {}])
NAMES = st.sampled_from(["age", "city", "", "\ud800", "x" * 240, "x" * 241])


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*USUAL, "x"]), LEAVES, max_size=2),
    st.dictionaries(
        st.sampled_from(["features", "scores", "segment"]), st.dictionaries(NAMES, LEAVES, max_size=3), max_size=2
    ),
    st.sets(st.sampled_from(sorted(USUAL)), max_size=3),
)
def test_what_is_read_at_once_is_what_care_reads(
    leaves: dict[str, object], inner: dict[str, object], without: set[str]
) -> None:
    fields = {name: value for name, value in (USUAL | leaves | inner).items() if name not in without}
    for _ in range(2):  # the second time its form is known
        found = plain(fields, 5)
        if found is not None:
            event = read(fields, 5)
            assert found == (event, kinds_of(event), _texts(fields))
            assert str(found.event) == str(event)  # 1 is True, but not here


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"features": {}},
        {"prediction": 1},
        {"prediction": False, "features": {"n": (1 << 53) - 1}},
        {"features": {"city": "Orléans"}, "time": "2026-11-23T10:00:00.25+01:00"},
    ],
)
def test_what_is_usual_is_read_at_once(more: dict[str, object]) -> None:
    assert plain(USUAL | more, 0) is not None
    assert plain({name: USUAL[name] for name in ("type", "model", "id", "prediction")}, 0) is not None


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"features": USUAL["features"] | {"rate": float("nan")}}, "not_finite"),
        ({"features": USUAL["features"] | {"city": "x" * 70_000}}, "out_of_range"),
        ({"features": USUAL["features"] | {"city": "\ud800"}}, "bad_text"),
        ({"latency_s": float("inf")}, "not_finite"),
        ({"id": ""}, "out_of_range"),
        ({"model": "x" * 257}, "out_of_range"),
        ({"time": "2026-02-30T10:00:00Z"}, "bad_time"),
    ],
)
def test_a_known_form_lets_no_bad_value_in(more: dict[str, object], code: str) -> None:
    assert plain(USUAL, 0) is not None
    assert plain(USUAL | more, 0) is None
    with pytest.raises(EventError) as caught:
        read(USUAL | more, 0)
    assert caught.value.code == code


def test_forms_of_very_long_names_are_not_kept() -> None:
    many = {f"{n:0200d}": n for n in range(100)}
    assert plain(USUAL | {"features": many}, 0) is None
    assert read(USUAL | {"features": many}, 0).columns[f"feature.{7:0200d}"] == 7
