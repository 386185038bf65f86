"""Regular expressions of users, matched in time linear to the text: RE2, which cannot be made to hang."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

MOST_CHARS = 1_000
"""The longest expression."""
_MEMORY_BYTES = 1 << 20


class PatternError(ValueError):
    """The expression is none, or RE2 has no such thing; the message says what and where."""


@lru_cache(1024)
def pattern(text: str) -> "Pattern":
    """The compiled expression. Raises PatternError."""
    return Pattern(text)


class Pattern:
    """One expression in RE2's syntax: Perl's without references back and without looking around."""

    def __init__(self, text: str) -> None:
        import re2  # 15 ms and 5 MiB, for those who have expressions

        if len(text) > MOST_CHARS:
            raise PatternError(f"an expression has at most {MOST_CHARS} characters, found {len(text)}")
        options = re2.Options()
        options.log_errors, options.never_capture, options.max_mem = False, True, _MEMORY_BYTES
        try:
            compiled: Any = re2.compile(text.encode(), options)
        except (re2.error, UnicodeEncodeError) as error:
            raise PatternError(f"{text!a:.80} is no expression of RE2 ({_reason(error)})") from None
        self._search, self._all = compiled.search, compiled.finditer

    def within(self, text: str) -> bool:
        """Whether it matches anywhere in the text."""
        return self._search(text.encode("utf-8", "replace")) is not None

    def all(self, text: str, most: int) -> Iterator[str]:
        """What it matches in the text, from left to right."""
        for match in islice(self._all(text.encode("utf-8", "replace")), most):
            yield match.group().decode("utf-8", "replace")


def _reason(error: Exception) -> str:
    told = error.args[0] if error.args else error
    return ascii(told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told))[1:121]
