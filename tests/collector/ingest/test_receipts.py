"""A label's receipt is checked at the door: what is wrong with it refuses its row, with a code."""

import pytest

from tests.collector.ingest.blocks import NOW_S, block
from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.checks import Bounds
from tocsin_collector.ingest.receiptkeys import receipt_keys
from tocsin_schema.block import column
from tocsin_schema.config import ConfigError
from tocsin_schema.receipt import Receipt

KEY, OLD, STRANGER = b"k" * 32, b"o" * 32, b"s" * 32


@pytest.fixture
def collector(collector: Collector) -> Collector:
    collector.intake._bounds = Bounds(keys={"shop": [KEY, OLD], "other": [STRANGER]})
    return collector


def minted(event_id: str = "a1", *, key: bytes = KEY, project: str = "shop", model: str = "credit") -> str:
    return Receipt(project, model, "3", event_id, int(NOW_S * 1e6), "yes", 810, {"country": "fr"}).mint(key)


def label(receipt: object, event_id: str = "a1", **more: object) -> dict[str, object]:
    event = {"type": "label", "project": "shop", "model": "credit", "id": event_id, "label": "no", "receipt": receipt}
    return event | more


def refused(collector: Collector, event: dict[str, object]) -> str:
    status, answer = collector.post_json(event)
    assert (status, answer["accepted"]) == (400, 0)
    return str(answer["rejected"][0]["code"])


def test_a_sound_receipt_is_taken_under_every_key_of_the_project_and_counts_once(collector: Collector) -> None:
    assert collector.post_json(label(minted()))[1]["accepted"] == 1
    assert collector.post_json(label(minted()))[1]["duplicate"] == 1
    assert collector.post_json(label(minted("a2", key=OLD), "a2"))[1]["accepted"] == 1
    assert [frame.columns["receipt"].texts() for frame, _ in collector.applied] == [
        [minted()],
        [minted("a2", key=OLD)],
    ]


@pytest.mark.parametrize(
    ("receipt", "code"),
    [
        (minted()[:-1], "receipt_malformed"),
        (minted()[:40], "receipt_malformed"),
        ("", "receipt_malformed"),
        ("é.é", "receipt_malformed"),
        ("a" * 5_000, "receipt_malformed"),
        (minted(key=STRANGER), "receipt_forged"),
        (minted().partition(".")[0] + "." + minted("a2").partition(".")[2], "receipt_forged"),
        (minted(key=STRANGER, project="other"), "receipt_foreign"),
        (minted("a2"), "receipt_foreign"),
        (minted(model="churn"), "receipt_foreign"),
        (7, "wrong_type"),
    ],
)
def test_what_is_wrong_with_a_receipt_refuses_the_label(collector: Collector, receipt: object, code: str) -> None:
    assert refused(collector, label(receipt)) == code
    assert collector.applied == []


def test_a_receipt_of_another_project_is_none_of_this_one_under_any_key(collector: Collector) -> None:
    stolen = minted(key=STRANGER, project="shop")
    assert refused(collector, label(stolen)) == "receipt_forged"


def test_without_a_key_of_the_project_no_receipt_can_be_checked(collector: Collector) -> None:
    event = label(minted(project="third"), project="third")
    assert refused(collector, event) == "receipt_without_key"


def test_good_rows_of_a_block_are_kept_and_rows_without_a_receipt_are_labels_as_ever(collector: Collector) -> None:
    ids = ["a1", "a2", "a3"]
    columns = [
        column("time", [int(NOW_S * 1e6)] * 3, "time"),
        column("id", ids, "str"),
        column("label", ["no"] * 3),
        column("receipt", [minted(), minted("a1"), None], "str"),
    ]
    status, answer = collector.post_block(block("label", columns))
    assert (status, answer["accepted"]) == (200, 2)
    assert [(item["row"], item["code"]) for item in answer["rejected"]] == [(1, "receipt_foreign")]


def test_a_prediction_has_no_receipt(collector: Collector) -> None:
    event = {"type": "prediction", "model": "credit", "id": "a1", "prediction": "yes", "receipt": minted()}
    assert refused(collector, event) == "unknown_field"


def test_a_file_that_holds_no_keys_is_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "keys"
    path.write_text("shop tooshort\n")
    with pytest.raises(ConfigError, match="keys: line 1: a project, a space, a key"):
        receipt_keys(str(path))
    with pytest.raises(ConfigError, match="cannot be read"):
        receipt_keys(str(tmp_path / "nowhere"))
    assert receipt_keys("") == {}
