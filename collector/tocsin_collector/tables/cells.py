"""Cells of text files: which of them are numbers, and what they are as numbers, categories and times."""

import re
from collections.abc import Sequence

import numpy as np

from tocsin_collector.frame import Values
from tocsin_collector.numerals import NUMERAL
from tocsin_collector.tables.table import Moments
from tocsin_collector.tables.times import of_texts
from tocsin_collector.verdict import CATEGORY, NUMBER

ABSENT = frozenset(("", "NA", "N/A", "n/a", "null", "NULL", "None"))
"""Beside numbers these are missing. Among names only the empty cell is: NA may be Namibia."""
# What float reads and NUMERAL does not, in cells that a line break goes before: searches from one literal to the next
# take a tenth of a match for each cell.
_ODD_START = re.compile(r"\n(?:[+-]?0\d|[+-]?\d{19,}\.?(?:[eE\n]|\Z)|[+-][nN])", re.ASCII)
_ODD_EXPONENT = re.compile(r"[eE][+-]?\d{5}", re.ASCII)
_ODD_CHARACTERS = "_ \t\r\f\v"


class TextCells:
    """A column as the standard library's reader gives it."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def __len__(self) -> int:
        return len(self._texts)

    def sliced(self, rows: slice) -> "TextCells":
        """Some of the rows."""
        return TextCells(self._texts[rows])

    def numeric(self) -> bool:
        """Whether every cell is a number or missing."""
        return self._floats()[1] is not None

    def number(self) -> Values:
        """As numbers. What is no number is infinite: both are counted as invalid."""
        present, floats = self._floats()
        if len(present) == len(self):
            valid = np.ones(len(self), bool)
        else:
            valid = np.array([text not in ABSENT for text in self._texts], bool)
        data = np.zeros(len(self))
        data[valid] = list(map(_number, present)) if floats is None else floats
        return Values(NUMBER, data, valid)

    def category(self) -> Values:
        """As categories; an empty cell is missing."""
        codes = {text: code for code, text in enumerate(dict.fromkeys(self._texts))}
        data = np.fromiter(map(codes.__getitem__, self._texts), np.int64, len(self))
        return Values(CATEGORY, data, data != codes.get("", -1), list(codes))

    def moments(self) -> Moments:
        """As times."""
        return of_texts(self._texts)

    def _floats(self) -> tuple[Sequence[str], list[float] | None]:
        """The cells that are not missing, and their numbers; None when some is none."""
        present: Sequence[str] = self._texts
        try:
            try:
                floats = list(map(float, present))
            except ValueError:
                present = [text for text in self._texts if text not in ABSENT]
                floats = list(map(float, present))
        except ValueError:
            return present, None
        return present, None if _odd(present) else floats


def _odd(texts: Sequence[str]) -> bool:
    """Whether ``float`` was too generous with some of them."""
    joined = "\n" + "\n".join(texts)
    plain = joined.isascii() and joined.count("\n") == max(len(texts), 1)
    if not plain or any(character in joined for character in _ODD_CHARACTERS) or _ODD_START.search(joined):
        return True
    return ("e" in joined or "E" in joined) and bool(_ODD_EXPONENT.search(joined))


def _number(text: str) -> float:
    return float(text) if NUMERAL.fullmatch(text) else np.inf
