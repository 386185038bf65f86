"""What one text is, and the counts of many: whole numbers that merge in any order."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log2
from typing import NamedTuple

from tocsin_collector.quality.text import jsontext
from tocsin_collector.quality.text.language import language
from tocsin_collector.quality.text.private import private
from tocsin_collector.quality.text.refusal import is_refusal
from tocsin_collector.quality.text.repetition import is_repetitive
from tocsin_collector.quality.text.words import words

FEWEST_WORDS = 4
"""Answers of which most have fewer words are classes, no texts."""
UNIT = 1_024
"""Lengths are summed as whole parts of a doubling."""


class Measured(NamedTuple):
    """One text: its characters, its words (of its beginning), what holds of it, its language."""

    chars: int
    words: int
    holds: tuple[str, ...]
    language: str


def measured(text: str) -> Measured:
    """Measure a text."""
    found = words(text)
    state = jsontext.json_state(text)
    checks = (
        ("empty", not text.strip()),
        ("refusal", is_refusal(text)),
        ("repetition", is_repetitive(found)),
        ("json", state == jsontext.WHOLE),
        ("no_json", not state),
        ("json_broken", state == jsontext.BROKEN),
    )
    holds = [name for name, held in checks if held] + [f"personal_{kind}" for kind in private(text)]
    return Measured(len(text), len(found), tuple(holds), language(text, found))


@dataclass(frozen=True, slots=True)
class TextCounts:
    """So many texts, of which ``wordy`` have words enough; the sums of their lengths on the log scale and of its
    square, in ``UNIT``; how many each thing holds of, and of which language they are."""

    texts: int = 0
    wordy: int = 0
    length: int = 0
    length_squared: int = 0
    holds: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)

    @property
    def is_text(self) -> bool:
        """Whether most of them are texts and not names of classes."""
        return 2 * self.wordy > self.texts


def count(texts: Iterable[Measured]) -> TextCounts:
    """The counts of some texts."""
    listed = list(texts)
    lengths = [round(UNIT * log2(1 + one.chars)) for one in listed]
    return TextCounts(
        len(listed),
        sum(one.words >= FEWEST_WORDS for one in listed),
        sum(lengths),
        sum(length * length for length in lengths),
        Counter(name for one in listed for name in one.holds),
        Counter(one.language for one in listed),
    )


def merge(a: TextCounts, b: TextCounts) -> TextCounts:
    """The counts of both's texts."""
    return TextCounts(
        a.texts + b.texts,
        a.wordy + b.wordy,
        a.length + b.length,
        a.length_squared + b.length_squared,
        a.holds + b.holds,
        a.languages + b.languages,
    )
