"""The serving process signs what a label will need."""

import enum

import numpy as np
import pytest

from tocsin_agent.capture import Capture
from tocsin_schema.receipt import Receipt, verified

KEY = "k" * 64


@pytest.fixture
def keys_file(tmp_path):
    path = tmp_path / "receipt-keys"
    path.write_text(f"other {'o' * 64}\nshop {KEY}\nshop {'l' * 64}\n")
    return str(path)


@pytest.fixture
def capture(sink, keys_file):
    made = Capture("credit", "3", "shop", endpoint=sink.url, receipt_keys_file=keys_file)
    yield made
    made.close()


def _said(token):
    return verified(token, [KEY.encode()])


def test_a_receipt_says_what_the_prediction_said(capture):
    token = capture.receipt("a1", "yes", {"yes": 0.8104, "no": 0.1896}, {"country": "fr", "shop": None}, time=1.5)
    assert _said(token) == Receipt("shop", "credit", "3", "a1", 1_500_000, "yes", 810, {"country": "fr"})


class Answer(enum.StrEnum):
    YES = "yes"


@pytest.mark.parametrize(
    ("prediction", "scores", "expected"),
    [
        (True, None, ("true", None)),
        (np.int64(1), {0: 0.3, 1: 0.7}, ("1", 700)),
        (Answer.YES, {"yes": np.float32(0.5)}, ("yes", 500)),
        ("yes", {"no": 0.1}, ("yes", None)),
        ("yes", {"yes": 1.7}, ("yes", 1_000)),
        (12.5, None, (None, None)),
        (None, None, (None, None)),
    ],
)
def test_a_class_is_named_as_the_collector_names_it(capture, prediction, scores, expected):
    said = _said(capture.receipt("a1", prediction, scores, time=1.0))
    assert (said.label, said.score) == expected


def test_a_label_carries_its_receipt(capture, sink):
    token = capture.receipt("a1", "yes", time=1.0)
    capture.label("a1", "no", receipt=token)
    capture.label("a2", "no")
    assert capture.flush(5)
    assert sink.rows("receipt") == [token, None]


def test_without_a_key_there_is_no_receipt_and_nothing_is_raised(sink, tmp_path):
    for path in ("", str(tmp_path / "nowhere")):
        made = Capture("credit", "3", "shop", endpoint=sink.url, receipt_keys_file=path)
        assert made.receipt("a1", "yes") == ""
        assert made._worker.counts.get("errors") >= 1
        made.close()


def test_what_cannot_be_signed_is_counted(capture):
    assert capture.receipt("a1", "yes", {"yes": "high"}) == ""
    assert capture.receipt("a" * 9_999, "yes") == ""
    assert capture._worker.counts.get("errors") == 2
