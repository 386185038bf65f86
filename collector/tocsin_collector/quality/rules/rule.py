"""What a rule is: one check of one column (or several, or of the window as a whole)."""

from dataclasses import dataclass, replace
from hashlib import sha256
from math import inf, nextafter

Value = str | float | bool

EACH = (
    "present", "absent", "between", "in", "not_in", "matches", "not_matches", "length", "type", "json",
    "language", "without_words", "without_personal",
)  # fmt: skip
"""Checks of each value; a share of ``mostly`` must keep them."""
PAIR = "above", "at_least", "equals"
"""Checks of each row's value of the first column against that of the second."""
UNIQUE = "unique"
FIGURES = "min", "max", "mean", "sum", "stdev", "distinct", "distinct_share"
"""Checks of one figure of all values of a column."""
CONTAINS = "contains"
EXISTS = "exists"
WINDOW = "rows", "features", "feature_count"
"""Checks of the window as a whole."""
TYPES = "number", "integer", "text", "boolean"
SINGLE = "prediction", "latency_s"
PREFIXES = "feature.", "score.", "segment."
MOST_RULES = 500
MOST_VALUES = 10_000
MOST_NAME = 256


class RuleError(ValueError):
    """A file of rules cannot be taken; the message says which rule, what is wrong and what would be right."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``columns`` are named as in a block (``feature.age``). ``values`` are the set, expressions, types or names that
    a check compares with; ``low`` and ``high`` are inclusive."""

    check: str
    columns: tuple[str, ...] = ()
    low: float = -inf
    high: float = inf
    values: tuple[Value, ...] = ()
    mostly: float = 1.0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a model in their order, and what a file has that was not taken: its name and why."""

    rules: tuple[Rule, ...] = ()
    not_taken: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of what is counted and judged, in hexadecimal."""
        return sha256(ascii([_plain(rule) for rule in self.rules]).encode()).hexdigest()


def named(rules: list[Rule]) -> tuple[Rule, ...]:
    """The rules with a name each: its own or what it says; one that was there before gets a number."""
    found: dict[str, Rule] = {}
    for rule in rules:
        wanted = rule.name or says(rule)[:MOST_NAME]
        name, number = wanted, 2
        while name in found:
            name, number = f"{wanted[: MOST_NAME - 8]} ({number})", number + 1
        found[name] = replace(rule, name=name)
    return tuple(found.values())


def says(rule: Rule) -> str:
    """A rule in words, such as ``feature.age between 0 and 120``."""
    verb = _VERBS.get(rule.check, rule.check)
    words = [rule.columns[0], verb, rule.columns[1]] if rule.check in PAIR else [" and ".join(rule.columns), verb]
    return " ".join(word for word in [*words, _compared(rule)] if word)


_VERBS = {
    "between": "", "not_in": "not in", "not_matches": "does not match", "json": "is JSON",
    "type": "is", "at_least": "at least", "distinct": "distinct values", "distinct_share": "share of distinct values",
    "feature_count": "number of features", "language": "in the language", "without_words": "without the words",
    "without_personal": "without personal data:", "features": "features are",
}  # fmt: skip


def _compared(rule: Rule) -> str:
    if rule.low != -inf or rule.high != inf:
        return span(rule)
    listed = ", ".join(str(value) for value in rule.values[:4])
    return listed + (", …" if len(rule.values) > 4 else "")


def span(rule: Rule) -> str:
    """The bounds of a rule in words."""
    low, high = rule.low, rule.high
    if low == high:
        return f"{low:g}"
    lowest, highest = _bound("at least", "above", low, -inf), _bound("at most", "below", high, inf)
    if lowest.startswith("at least") and highest.startswith("at most"):
        return f"between {low:g} and {high:g}"
    return " and ".join(bound for bound in (lowest, highest) if bound)


def _bound(inclusive: str, strict: str, value: float, beyond: float) -> str:
    """A bound in words: one that is next to a rounder number means that number and excludes it."""
    if value == beyond:
        return ""
    excluded = nextafter(value, beyond)
    is_strict = len(repr(excluded)) < len(repr(value))
    return f"{strict} {excluded:g}" if is_strict else f"{inclusive} {value:g}"


def _plain(rule: Rule) -> list[object]:
    return [rule.name, rule.check, rule.columns, rule.low, rule.high, rule.values, rule.mostly]
