"""Checks of single values: which of a column keep a rule. What is tested by text is tested once a distinct value."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.quality.pattern import pattern
from tocsin_collector.quality.rules.rule import Rule
from tocsin_collector.quality.text.jsontext import is_json
from tocsin_collector.quality.text.language import language
from tocsin_collector.quality.text.private import private
from tocsin_collector.quality.text.words import all_words, words
from tocsin_collector.verdict import NUMBER

Mask = NDArray[np.bool_]
_BOOLEANS = frozenset({"true", "false"})


def present(values: Values) -> Mask:
    """Which rows have a value: NaN is none, as in pandas."""
    return values.valid & ~np.isnan(values.data) if values.kind == NUMBER else values.valid


def keeps(rule: Rule, values: Values) -> Mask:
    """Which of the values, all present, keep a rule of ``EACH``."""
    if rule.check in _NUMBERS:
        return _NUMBERS[rule.check](rule, values)
    names, place = distinct(values)
    test = _TEXTS[rule.check](rule)
    return np.array([test(name) for name in names], bool)[place]


def pairs(rule: Rule, left: Values, right: Values) -> Mask:
    """Which rows keep a rule of ``PAIR``; values of two kinds do not."""
    if left.kind != right.kind:
        return np.zeros(len(left.data), bool)
    if rule.check == "equals":
        if left.kind == NUMBER:
            return np.asarray(left.data == right.data)
        return np.array([a == b for a, b in zip(left.texts(), right.texts(), strict=True)], bool)
    if left.kind != NUMBER:
        return np.zeros(len(left.data), bool)
    return np.asarray(left.data > right.data if rule.check == "above" else left.data >= right.data)


def distinct(values: Values) -> tuple[list[str], NDArray[np.intp]]:
    """The distinct values as text, and the number of each row's."""
    found, place = np.unique(values.data, return_inverse=True)
    if values.kind == NUMBER:
        return [written(value) for value in found.tolist()], place
    return [values.names[code] for code in found.tolist()], place


def written(value: float) -> str:
    """A number as its sender would write it: whole ones without a point."""
    return str(int(value)) if value == np.floor(value) and abs(value) < 1e15 else repr(value)


def _between(rule: Rule, values: Values) -> Mask:
    if values.kind != NUMBER:
        return np.zeros(len(values.data), bool)
    return np.asarray((values.data >= rule.low) & (values.data <= rule.high))


def _in(rule: Rule, values: Values) -> Mask:
    if values.kind == NUMBER:
        wanted = [value for value in rule.values if isinstance(value, int | float) and not isinstance(value, bool)]
        return np.isin(values.data, np.array(wanted, np.float64))
    texts = {str(value).lower() if isinstance(value, bool) else value for value in rule.values}
    return np.array([name in texts for name in values.names], bool)[values.data]


def _type(rule: Rule, values: Values) -> Mask:
    found = np.zeros(len(values.data), bool)
    for kind in rule.values:
        found |= _is(str(kind), values)
    return found


def _is(kind: str, values: Values) -> Mask:
    if values.kind == NUMBER:
        if kind == "integer":
            return np.asarray(values.data == np.floor(values.data)) & np.isfinite(values.data)
        return np.full(len(values.data), kind == "number")
    named = np.array([kind == ("boolean" if name in _BOOLEANS else "text") for name in values.names], bool)
    return named[values.data]


_NUMBERS: dict[str, Callable[[Rule, Values], Mask]] = {
    "between": _between,
    "in": _in,
    "not_in": lambda rule, values: ~_in(rule, values),
    "type": _type,
}


def _matches(rule: Rule) -> Callable[[str], bool]:
    found = [pattern(str(text)) for text in rule.values]
    return lambda text: any(one.within(text) for one in found)


def _matches_not(rule: Rule) -> Callable[[str], bool]:
    matches = _matches(rule)
    return lambda text: not matches(text)


def _json(_: Rule) -> Callable[[str], bool]:
    return is_json


def _language(rule: Rule) -> Callable[[str], bool]:
    return lambda text: language(text, words(text)) in rule.values


def _without_words(rule: Rule) -> Callable[[str], bool]:
    """Words stand alone, phrases as they are spaced by one blank; letters' case says nothing."""
    listed = {" ".join(all_words(str(word))) for word in rule.values}
    phrases = [f" {phrase} " for phrase in listed if " " in phrase]

    def test(text: str) -> bool:
        found = all_words(text)
        spaced = f" {' '.join(found)} " if phrases else ""
        return listed.isdisjoint(found) and not any(phrase in spaced for phrase in phrases)

    return test


def _without_personal(rule: Rule) -> Callable[[str], bool]:
    return lambda text: not any(kind in rule.values for kind in private(text))


_TEXTS: dict[str, Callable[[Rule], Callable[[str], bool]]] = {
    "matches": _matches,
    "not_matches": _matches_not,
    "length": lambda rule: lambda text: rule.low <= len(text) <= rule.high,
    "json": _json,
    "language": _language,
    "without_words": _without_words,
    "without_personal": _without_personal,
}
