"""What is looked at of a text or of a time: columns of numbers and categories made from it, row by row.

A text is told by its length, its script and one of its words: which one is drawn by the text's own hash, so that the
same text always gives the same word and the words of many texts come in the shares in which they are used. A time is
told by its age at the event, its hour and its weekday, in UTC.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.profile.hashing import hashes
from tocsin_collector.verdict import CATEGORY, NUMBER

TEXT, TIME = "text", "time"
EMPTY, UNREADABLE, NO_LETTERS = "(empty)", "(no time)", "(no letters)"
_LOOKED_AT = 64  # characters of a text that tell its script
_FEWEST_WORDS = 3
_HOURS = [f"{hour:02}" for hour in range(24)]
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

# Where each script begins in Unicode, blocks next to one another taken together.
_SCRIPTS = (
    (0x00, NO_LETTERS), (0x41, "Latin"), (0x5B, NO_LETTERS), (0x61, "Latin"), (0x7B, NO_LETTERS), (0xC0, "Latin"),
    (0x250, NO_LETTERS), (0x370, "Greek"), (0x400, "Cyrillic"), (0x530, "Armenian"), (0x590, "Hebrew"),
    (0x600, "Arabic"), (0x700, "other"), (0x900, "Devanagari"), (0x980, "other"), (0xE00, "Thai"), (0xE80, "other"),
    (0x1E00, "Latin"), (0x1F00, "Greek"), (0x2000, NO_LETTERS), (0x3040, "Kana"), (0x3100, "other"), (0x3400, "Han"),
    (0xA000, "other"), (0xAC00, "Hangul"), (0xD7B0, "other"), (0xF900, "Han"), (0xFB00, "other"),
    (0x1F000, NO_LETTERS), (0x20000, "Han"), (0xE0000, NO_LETTERS),
)  # fmt: skip
_STARTS = np.array([start for start, _ in _SCRIPTS])
_NAMES = [*dict.fromkeys(name for _, name in _SCRIPTS), EMPTY]
_NUMBERS = np.array([_NAMES.index(name) for _, name in _SCRIPTS])
_SPACELESS = frozenset({"Kana", "Han", "Thai"})

Times = NDArray[np.int64]


def form_of(names: Sequence[str], rows: int) -> str:
    """Whether a reference's categories are texts or times: ``text``, ``time``, or empty where they are neither.

    Times are all dates or times of RFC 3339. Texts are different in half of the rows at least, and half of them have
    three words, or a script that has no spaces.
    """
    if names and all(_seconds(name) is not None for name in names):
        return TIME
    if 2 * len(names) < rows or len(names) < 2:
        return ""
    spoken = sum(len(name.split(None, _FEWEST_WORDS - 1)) == _FEWEST_WORDS for name in names)
    scripts = np.bincount(_scripts(names), minlength=len(_NAMES))
    spaceless = sum(int(scripts[_NAMES.index(script)]) for script in _SPACELESS)
    return TEXT if 2 * (spoken + spaceless) >= len(names) else ""


def aspects(form: str) -> list[str]:
    """What is looked at of a form."""
    return list(_ASPECTS[form])


def aspect(name: str, values: Values, time_us: Times) -> Values:
    """One aspect of a column, for the rows' event times; a column of numbers has none, nor has one of categories an
    embedding's: it becomes one of no kind."""
    if values.kind != CATEGORY or name not in EVERY:
        return Values("", values.data, values.valid)
    form = next(form for form in _ASPECTS if name in _ASPECTS[form])
    used = np.flatnonzero(np.bincount(values.data[values.valid], minlength=len(values.names)))
    found = _ASPECTS[form][name]([values.names[code] for code in used.tolist()])
    by_code: NDArray[Any] = np.zeros(max(len(values.names), 1), found.data.dtype)
    by_code[used] = found.data
    data: NDArray[Any] = by_code[np.where(values.valid, values.data, 0)]
    if name == "age":
        return Values(NUMBER, time_us / 1e6 - data, values.valid)
    return Values(found.kind, data, values.valid, found.names)


def _length(texts: Sequence[str]) -> Values:
    return _number(np.fromiter(map(len, texts), np.float64, len(texts)))


def _script(texts: Sequence[str]) -> Values:
    return _category(_scripts(texts), _NAMES)


def _word(texts: Sequence[str]) -> Values:
    drawn = (hashes(texts) >> np.uint64(32)).tolist()
    words = [
        split[draw % len(split)] if (split := text.split()) else EMPTY for text, draw in zip(texts, drawn, strict=True)
    ]
    codes: dict[str, int] = {}
    return _category(np.array([codes.setdefault(word.casefold(), len(codes)) for word in words], np.int64), list(codes))


def _age(texts: Sequence[str]) -> Values:
    return _number(np.array([np.nan if (found := _seconds(text)) is None else found for text in texts], np.float64))


def _hour(texts: Sequence[str]) -> Values:
    return _calendar(texts, 3_600, 0, _HOURS)


def _weekday(texts: Sequence[str]) -> Values:
    return _calendar(texts, 86_400, 3, _DAYS)  # 1970 began on a Thursday


_ASPECTS: dict[str, dict[str, Callable[[Sequence[str]], Values]]] = {
    TEXT: {"length": _length, "script": _script, "word": _word},
    TIME: {"age": _age, "hour": _hour, "weekday": _weekday},
}
EVERY = frozenset(name for group in _ASPECTS.values() for name in group)
"""The names of all aspects."""


def _scripts(texts: Sequence[str]) -> Times:
    """The script that most of the first letters of each text have."""
    parts = [text[:_LOOKED_AT] for text in texts]
    points = np.frombuffer("".join(parts).encode("utf-32-le", "surrogatepass"), "<u4")
    scripts = _NUMBERS[np.searchsorted(_STARTS, points, "right") - 1]
    rows = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    counts = np.bincount(rows * len(_NAMES) + scripts, minlength=len(parts) * len(_NAMES)).reshape(-1, len(_NAMES))
    counts[:, 1:] *= 2 * _LOOKED_AT  # a single letter weighs more than all that are none
    return np.where(counts.any(axis=1), counts.argmax(axis=1), len(_NAMES) - 1)


def _calendar(texts: Sequence[str], unit_s: int, offset: int, names: list[str]) -> Values:
    seconds = _age(texts).data
    unknown = np.isnan(seconds)
    places = (np.where(unknown, 0, seconds) // unit_s + offset).astype(np.int64) % len(names)
    return _category(np.where(unknown, len(names), places), [*names, UNREADABLE])


def _seconds(text: str) -> float | None:
    if len(text) < 10 or text[4:5] != "-":
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(data: NDArray[np.float64]) -> Values:
    return Values(NUMBER, data, np.ones(len(data), bool))


def _category(codes: Times, names: list[str]) -> Values:
    return Values(CATEGORY, codes, np.ones(len(codes), bool), names)
