"""What a person types: words, "phrases", prefix*; as terms, and as an expression of FTS5. Nothing that is typed is a
syntax error."""

import re
from typing import NamedTuple

from tocsin_collector.logs.record import visible

MAX_TERMS = 32
_PART = re.compile(r'"([^"]*)"?(\*?)|([^\s"]+)')


class QueryError(ValueError):
    """A search that cannot find anything; the message says what to type instead."""


class Term(NamedTuple):
    """A word or a phrase that must be there; ``prefix``: its last word may go on."""

    text: str
    prefix: bool


def terms(text: str) -> list[Term]:
    """What a search text asks for, nothing where it asks for everything. Raises QueryError."""
    found = [_term(*part) for part in _PART.findall(visible(text))]
    # What holds no letter or digit matches nothing in any index.
    kept = [term for term in found if any(character.isalnum() for character in term.text)]
    if text.strip() and not kept:
        raise QueryError(f"nothing to look for in {text.strip()!r:.60}: type a word of letters or digits")
    if len(kept) > MAX_TERMS:
        raise QueryError(f"{len(kept)} words, at most {MAX_TERMS}")
    return kept


def match(text: str) -> str | None:
    """The MATCH expression of a search text, None where it asks for everything. Raises QueryError.

    Each part is quoted, so that operators of FTS5 are only words; all parts must be there.
    """
    return " AND ".join(f'"{term.text}"{"*" * term.prefix}' for term in terms(text)) or None


def _term(phrase: str, star: str, word: str) -> Term:
    if word:
        return Term(word.rstrip("*") if word.endswith("*") else word, word.endswith("*"))
    return Term(phrase, bool(star))
