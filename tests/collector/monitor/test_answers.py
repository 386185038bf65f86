"""Windows of a model that answers in texts: learnt from its reference, told with judges, likeness and cost."""

import numpy as np
import pytest

from tests.collector.monitor.test_state import _through_a_file
from tocsin_collector.frame import Frame, category, number
from tocsin_collector.monitor.monitor import Monitor, Name
from tocsin_collector.monitor.reference_file import ReferenceRows
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.quality.rules import parse
from tocsin_collector.quality.text.price import Price
from tocsin_collector.verdict import ModelKey

HOUR = 3_600.0
KEY = ModelKey("shop", "chat", "1")
CALENDAR = Calendar(HOUR, 0, lateness_s=600, label_wait_s=3 * HOUR)
GOOD = (
    "The order was shipped on {} and should arrive within three days.",
    "You can find invoice {} in the folder that was shared with you, and there is a copy in your mail.",
    "Restart service {} and check that the log of it is empty; this is what to do first.",
)


def _frame(hour, rows=200, *, seed=1, odd=None, share=0.0):
    rng = np.random.default_rng((seed, hour))
    texts = [GOOD[int(rng.integers(3))].format(int(rng.integers(1e6))) for _ in range(rows)]
    if odd is not None:
        texts = [odd if rng.random() < share else text for text in texts]
    times = (hour * HOUR * 1e6 + np.arange(rows) * 1e6).astype(np.int64)
    columns = {
        "prediction": category(texts),
        "feature.tokens_in": number([100.0] * rows),
        "feature.tokens_out": number([20.0] * rows),
    }
    return Frame("prediction", KEY, times, [f"{hour}-{row}" for row in range(rows)], columns)


def _reference():
    from tocsin_collector.frame import concat

    return ReferenceRows(concat([_frame(hour, seed=7) for hour in range(30)]), None, {})


REFERENCE = _reference()


@pytest.fixture
def monitor():
    prices = {Name("shop", "chat"): Price(3, 15)}
    monitor = Monitor(CALENDAR, keep=50, min_rows=100, on_verdict=lambda _: None, prices=prices)
    monitor.set_reference(KEY, REFERENCE, {})
    return monitor


def _judged(monitor, frame):
    for hour in (100, 101):
        monitor.apply(_frame(hour), 0)
    monitor.apply(frame, 0)
    monitor.apply(_frame(105), 0)
    found = next(one for one in monitor.views()[0].verdicts if one.start_s == 102 * HOUR)
    return found, found.text


def test_answers_like_the_references_are_well_and_no_classes(monitor):
    verdict, text = _judged(monitor, _frame(102))
    assert (text.texts, text.reasons, verdict.classes) == (200, (), {})
    assert text.measures["language_en"] > 0.95
    assert 50 < text.measures["length_chars"] < 110
    assert (text.measures["tokens_in"], text.measures["tokens_out"]) == (20_000, 4_000)
    assert text.measures["cost"] == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("odd", "share", "said"),
    [
        ("I'm sorry, but I can't help with that.", 0.2, "of answers refuse, 0.0 % in the reference"),
        ("", 0.2, "are empty"),
        ("again and again and again and again and again and again and again and", 0.2, "repeat themselves"),
        ('{"answer": "cut o', 0.2, "broken JSON"),
        ("Please ask bob@example.com about your order, he knows it.", 0.2, "hold personal data (mail)"),
        ("Die Bestellung wurde am Montag verschickt und ist in drei Tagen da.", 0.4, "in a language that"),
        ("The order is on its way to you, and there is more to say. " * 30, 0.9, "answers are longer"),
        ("It is on the way.", 0.9, "answers are shorter"),
        ("No.", 1.0, "answers are shorter"),
    ],
)
def test_answers_that_are_otherwise_alarm_in_the_same_window(monitor, odd, share, said):
    verdict, text = _judged(monitor, _frame(102, odd=odd, share=share))
    assert any(said in reason for reason in text.reasons), text
    assert set(text.reasons) <= set(verdict.reasons)
    assert any(value > text.thresholds[name] for name, value in text.measures.items() if name in text.thresholds)


def test_judges_and_reference_answers_are_told_and_come_late(monitor):
    frame = _frame(102)
    answers = frame.columns["prediction"].texts()
    wanted = [text if row % 2 else "something else" for row, text in enumerate(answers)]
    labels = Frame("label", KEY, frame.time_us + 1_000_000, frame.ids, {"label": category(wanted)})
    names, scores = ["judge.helpful", "conversion"] * 100, ([4.0, 0.0] * 100)
    columns = {"name": category(names), "value": number(scores)}
    outcomes = Frame("outcome", KEY, frame.time_us + 1_000_000, frame.ids, columns)
    for hour in (100, 101):
        monitor.apply(_frame(hour), 0)
    for part in (frame, labels, outcomes, _frame(105)):
        monitor.apply(part, 0)
    text = next(one.text for one in monitor.views()[0].verdicts if one.start_s == 102 * HOUR)
    assert text.measures["judge.helpful"] == 4.0
    assert "conversion" not in text.measures
    assert text.measures["exact_match"] == pytest.approx(0.5, abs=0.2)
    assert text.measures["rouge_l"] >= text.measures["exact_match"]


def test_a_model_of_classes_or_numbers_has_no_texts(monitor):
    for column in (category(["yes", "no"] * 100), number([1.0] * 200), category([""] * 200)):
        frame = _frame(102)
        frame.columns["prediction"] = column
        found, text = _judged(Monitor(CALENDAR, keep=9, min_rows=9, on_verdict=lambda _: None), frame)
        assert (text, found.rows) == (None, 200)


def test_without_a_reference_answers_are_told_and_not_judged():
    monitor = Monitor(CALENDAR, keep=9, min_rows=9, on_verdict=lambda _: None)
    _, text = _judged(monitor, _frame(102, odd="I cannot help with that, sorry.", share=0.5))
    assert text.measures["refusal"] == pytest.approx(0.5, abs=0.1)
    assert (text.thresholds, text.reasons) == ({}, ())


def test_a_users_rules_about_answers_tell_no_personal_data(monitor):
    rules = b"""
    [[rule]]
    column = "prediction"
    without_words = ["darn", "order was lost"]
    [[rule]]
    column = "prediction"
    without_personal = ["mail"]
    [[rule]]
    column = "prediction"
    language = ["en", "und"]
    """
    monitor.set_rules(Name("shop", "chat"), parse(rules))
    odd = "Darn, bob@example.com says that the order was lost."
    verdict, _ = _judged(monitor, _frame(102, odd=odd, share=0.1))
    words, personal, language = verdict.rules
    assert (bool(words.reason), bool(personal.reason), bool(language.reason)) == (True, True, False)
    assert words.unexpected == personal.unexpected > 0
    assert (words.examples[0][0], personal.examples) == (odd, ())


def test_a_monitor_that_is_taken_up_again_goes_on_with_the_same_texts(monitor, tmp_path):
    monitor.apply(_frame(100), 0)
    monitor.apply(_frame(102, odd="I cannot help with that.", share=0.3), 0)
    assert monitor.views()[0].verdicts[0].text.texts == 200
    again = Monitor(
        CALENDAR, keep=50, min_rows=100, on_verdict=lambda _: None, prices={Name("shop", "chat"): Price(3, 15)}
    )
    again.set_reference(KEY, REFERENCE, {})
    assert again.load(_through_a_file(monitor.state(), tmp_path))
    for one in (monitor, again):
        one.apply(_frame(106), 0)
    assert again.views() == monitor.views()
