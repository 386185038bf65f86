"""Answers beside reference answers: exact match and token F1 as SQuAD has them, ROUGE-L by the longest common words.

SQuAD: Rajpurkar et al., 2016. ROUGE-L: Lin, 2004, with F of precision and recall alike. Words are those of ``words``,
in lower case and without punctuation; nothing is stemmed.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from tocsin_collector.quality.text.words import words

MOST_WORDS = 512
"""Words of each text that are compared."""


def exact_match(answer: Sequence[str], wanted: Sequence[str]) -> float:
    """1 where the words are the same in order, else 0."""
    return float(list(answer) == list(wanted))


def token_f1(answer: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of the words that both have, in any order."""
    return _f1((Counter(answer) & Counter(wanted)).total(), len(answer), len(wanted))


def rouge_l(answer: Sequence[str], wanted: Sequence[str]) -> float:
    """F1 of the longest sequence of words that both have in order."""
    answer, wanted = answer[:MOST_WORDS], wanted[:MOST_WORDS]
    return _f1(_longest(answer, wanted), len(answer), len(wanted))


def _f1(common: int, answer: int, wanted: int) -> float:
    if not answer and not wanted:
        return 1.0
    return 2 * common / (answer + wanted)


def _longest(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of the table at once as bits (Hyyrö, 2004)."""
    places: dict[str, int] = {}
    for at, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << at
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        matched = row & places.get(word, 0)
        row = (row + matched | row - matched) & full
    return len(a) - row.bit_count()


def similarities(pairs: Iterable[tuple[str, str]]) -> dict[str, float]:
    """The means of answers against wanted ones by name; empty for none."""
    found = [(words(answer), words(wanted)) for answer, wanted in pairs]
    measures = (("exact_match", exact_match), ("token_f1", token_f1), ("rouge_l", rouge_l))
    return {name: sum(of(*pair) for pair in found) / len(found) for name, of in measures} if found else {}
