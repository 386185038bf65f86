"""Measures of a single text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.quality.text.sentences import SENTENCES
from tocsin_collector.quality.text.jsontext import json_state
from tocsin_collector.quality.text.language import LANGUAGES, UNDETERMINED, language
from tocsin_collector.quality.text.measure import count, measured, merge
from tocsin_collector.quality.text.price import Price, price
from tocsin_collector.quality.text.private import private
from tocsin_collector.quality.text.refusal import is_refusal
from tocsin_collector.quality.text.repetition import is_repetitive
from tocsin_collector.quality.text.similarity import exact_match, rouge_l, similarities, token_f1
from tocsin_collector.quality.text.words import words


def test_the_language_of_our_own_sentences_is_told():
    pairs = [(code, language(text, words(text))) for code, texts in SENTENCES.items() for text in texts]
    wrong = [(code, told) for code, told in pairs if told not in (code, UNDETERMINED)]
    right = sum(code == told for code, told in pairs)
    print(f"{right} of {len(pairs)} right, {len(wrong)} wrong, the others not told")
    assert right >= 0.9 * len(pairs)
    assert len(wrong) <= 0.03 * len(pairs)


@pytest.mark.parametrize("text", ["", "ok", "42", "SELECT 1", "???", "Zzz qqq xkcd"])
def test_what_has_no_language_is_not_told(text):
    assert language(text, words(text)) == UNDETERMINED


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("write to bob.smith+x@mail.example.co.uk.", ["mail"]),
        ("user@localhost and a @ b", []),
        ("call +49 30 1234567", ["phone"]),
        ("or (030) 123-4567 ext 3", ["phone"]),
        ("0171 1234567", ["phone"]),
        ("on 2024-01-02 12:30:11 we paid 1,234,567.00 for v1.2.3", []),
        ("card 4111 1111 1111 1111", ["card"]),
        ("4111-1111-1111-1112 fails Luhn's check", []),
        ("378282246310005", ["card"]),
        ("order 1234567890123456, sku 0000000000000000", []),
        ("GB82WEST12345698765432", ["iban"]),
        ("GB82WEST12345698765433", []),
        ("host 10.1.2.3", ["ip"]),
        ("localhost is 127.0.0.1, and 999.1.1.1 is none", []),
        ("at 2001:db8::1 too", ["ip"]),
        ("it is 12:30:45:00", []),
    ],
)
def test_personal_data_is_found_and_what_looks_like_it_is_not(text, kinds):
    assert list(private(text)) == kinds


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("I'm sorry, but I can't help with that.", True),
        ("I\u2019m sorry, but I can\u2019t help with that.", True),
        ("Es tut mir leid, aber ich kann das nicht tun.", True),
        ("Lo siento, pero no puedo ayudarte con eso.", True),
        ("The error says: cannot open file. Sorry for the delay!", False),
        ("x" * 500 + " i cannot help", False),
    ],
)
def test_a_refusal_stands_at_the_beginning(text, refuses):
    assert is_refusal(text) is refuses


def test_a_text_that_goes_in_circles_is_repetitive():
    assert is_repetitive(words("the same thing again and " * 10))
    assert is_repetitive(["no"] * 40)
    assert not is_repetitive(words(" ".join(SENTENCES["en"])))
    assert not is_repetitive(["no"] * 5)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ('{"a": 1}', "whole"), ("  [1, 2]\n", "whole"), ('```json\n{"a": [1]}\n```', "whole"), ('{"a": 1', "broken"),
        ('```\n[{"a": NaN}]\n```', "broken"), ("{}", "whole"), ("[]", "whole"), ("plain", ""), ("[see above] fine", ""),
        ("{name} is a placeholder", ""), ("", ""), ("[" * 60_000, "broken"),
    ],
)  # fmt: skip
def test_json_is_told_from_texts_that_do_not_mean_to_be(text, state):
    assert json_state(text) == state


def test_answers_are_compared_as_squad_and_rouge_do():
    answer, wanted = words("the cat sat on the mat"), words("the cat is on a mat")
    assert token_f1(answer, wanted) == pytest.approx(2 * 4 / 12)
    assert rouge_l(answer, wanted) == pytest.approx(2 * 4 / 12)
    assert rouge_l(["b", "a"], ["a", "b"]) == 0.5
    assert exact_match(words("The cat."), words("the cat")) == 1.0
    assert similarities([("a b", "a b"), ("a", "b")]) == {"exact_match": 0.5, "token_f1": 0.5, "rouge_l": 0.5}
    assert similarities([]) == {}


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_the_longest_common_words_are_those_of_the_table(a, b):
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    assert rouge_l(a, b) == pytest.approx(2 * table[-1][-1] / (len(a) + len(b)) if a or b else 1.0)


@given(st.lists(st.text(max_size=40), max_size=8), st.integers(0, 8))
def test_any_text_is_measured_and_counts_merge(texts, cut):
    found = [measured(text) for text in texts]
    assert all(one.language in LANGUAGES for one in found)
    assert merge(count(found[:cut]), count(found[cut:])) == count(found)
    assert sum(count(found).languages.values()) == len(texts)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, "1" * 1_000_000, "@" * 1_000_000, "+1 " * 300_000, "1.1." * 250_000, "{" * 1_000_000,
     "\ud800\udfff" * 9, "a@" * 500_000, "AA00 " * 200_000, "\u202e\0" * 1_000, "- " * 500_000],
)  # fmt: skip
def test_a_hostile_text_is_measured_in_time(text):
    assert measured(text).chars == len(text)


def test_a_price_is_of_a_million_tokens():
    assert price("shop/my chat 3 15.5") == (("shop", "my chat"), Price(3, 15.5))
    assert Price(3, 15).of(2_000_000, 100_000) == 7.5


@pytest.mark.parametrize(
    "line", ["", "shop 3 15", "shop/chat 3", "shop/chat x 1", "shop/chat -1 1", "/c 1 2", "a/b nan 1"]
)
def test_a_price_that_is_none_says_what_would_be_right(line):
    with pytest.raises(ValueError, match="PROJECT/MODEL INPUT OUTPUT"):
        price(line)


def test_measures_hold_no_text():
    assert "secret" not in json.dumps(measured("my secret is bob@example.com"))
