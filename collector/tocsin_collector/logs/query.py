"""What a person types into an expression of FTS5: words, "phrases", prefix*. Nothing that is typed is a syntax
error."""

import re

from tocsin_collector.logs.record import visible

MAX_TERMS = 32
_PART = re.compile(r'"([^"]*)"?(\*?)|([^\s"]+)')


class QueryError(ValueError):
    """A search that cannot find anything; the message says what to type instead."""


def match(text: str) -> str | None:
    """The MATCH expression of a search text, None where it asks for everything. Raises QueryError.

    Each part is quoted, so that operators of FTS5 are only words; all parts must be there.
    """
    parts = [_quoted(*found) for found in _PART.findall(visible(text))]
    terms = [part for part in parts if part]
    if not terms:
        if text.strip():
            raise QueryError(f"nothing to look for in {text.strip()!r:.60}: type a word of letters or digits")
        return None
    if len(terms) > MAX_TERMS:
        raise QueryError(f"{len(terms)} words, at most {MAX_TERMS}")
    return " AND ".join(terms)


def _quoted(phrase: str, star: str, word: str) -> str:
    if word:
        star, word = ("*", word.rstrip("*")) if word.endswith("*") else ("", word)
    text = phrase or word
    # FTS5 matches nothing where a quoted part has no token in it.
    return f'"{text}"{star}' if any(character.isalnum() for character in text) else ""
