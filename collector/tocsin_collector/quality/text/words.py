"""A text as words: runs of letters and digits, in lower case."""

import re

LOOKED_AT = 4_096
"""Characters of a text that measures of words look at: its beginning."""
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The words of a text's beginning."""
    return all_words(text[:LOOKED_AT])


def all_words(text: str) -> list[str]:
    """The words of a text."""
    return _WORD.findall(text.lower())
