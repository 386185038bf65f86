"""What the answer to a bulk request says of each document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.logs.elasticsearch.answer import AGAIN, DUPLICATE, REFUSED, STORED, Garbled, Outcome, read


def _item(status: object, type_: str = "t", **more: object) -> dict[str, object]:
    return {"create": {"status": status, "error": {"type": type_, "reason": "r"}, **more}}


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"create": {"status": 201, "_index": "i"}}, STORED),
        (_item(409, "version_conflict_engine_exception"), DUPLICATE),
        (_item(429), AGAIN),
        (_item(503), AGAIN),
        (_item(500), AGAIN),
        (_item(403, "security_exception"), AGAIN),
        (_item(404, "index_not_found_exception"), AGAIN),
        (_item(400, "validation_exception"), AGAIN),  # too many shards: no fault of the document
        (_item(400, "document_parsing_exception"), REFUSED),
        (_item(400, "illegal_argument_exception"), REFUSED),
        (_item(413), REFUSED),
    ],
)
def test_each_status_has_its_kind(item: object, kind: str) -> None:
    (outcome,) = read({"errors": True, "items": [item]}, 1)
    assert outcome.kind == kind


def test_a_reason_names_the_innermost_cause() -> None:
    inner = {"type": "x", "reason": "middle", "caused_by": {"type": "y", "reason": "no object"}}
    error = {"type": "document_parsing_exception", "reason": "failed to parse field [user]", "caused_by": inner}
    (outcome,) = read({"items": [{"create": {"status": 400, "error": error}}]}, 1)
    assert outcome.reason == "document_parsing_exception: failed to parse field [user]: no object (400)"


def test_where_a_record_is_comes_with_it() -> None:
    assert read({"items": [{"create": {"status": 201, "_index": ".ds-a-000002"}}]}, 1) == [
        Outcome(STORED, where=".ds-a-000002")
    ]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "x",
        {},
        {"items": None},
        {"items": []},
        {"items": [_item(201), _item(201)]},
        {"items": [{"index": {"status": 201}}]},
        {"items": [_item("201")]},
        {"items": [_item(True)]},
        {"items": ["x"]},
    ],
)
def test_what_is_no_answer_says_nothing_of_any_document(answer: object) -> None:
    with pytest.raises(Garbled):
        read(answer, 1)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 600) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "create", "status", "error", "type", "reason", "caused_by"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(_JSON | st.lists(_JSON, max_size=4).map(lambda items: {"items": [{"create": item} for item in items]}))
def test_any_document_is_read_or_garbled(answer: object) -> None:
    items = answer.get("items") if isinstance(answer, dict) else None
    count = len(items) if isinstance(items, list) else 1
    try:
        outcomes = read(answer, count)
    except Garbled:
        return
    assert len(outcomes) == count
    assert {outcome.kind for outcome in outcomes} <= {STORED, DUPLICATE, AGAIN, REFUSED}
    assert all(outcome.reason for outcome in outcomes if outcome.kind in (AGAIN, REFUSED))
    json.dumps(outcomes)
