"""Repetition: a text that goes in circles, as a model does whose sampling is broken."""

from collections.abc import Sequence

N = 4
FEWEST_WORDS = 12
MOST = 0.4
"""A text of which a larger share of N-grams of words stood there before is one."""


def is_repetitive(words: Sequence[str]) -> bool:
    """Whether the words of a text repeat themselves (Holtzman et al., 2020, call it degeneration)."""
    if len(words) < FEWEST_WORDS:
        return False
    grams = [tuple(words[at : at + N]) for at in range(len(words) - N + 1)]
    return 1 - len(set(grams)) / len(grams) > MOST
