"""Rules that are wrong in one place: another bound, comparison, ``for``, or label."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BOUND = re.compile(r"(<=|>=|==|!=|<|>) (-?\d+(?:\.\d+)?)")
_AGAINST = re.compile(r"(?<=[)\w]) (<|>) (?=on )")
_HORIZON = re.compile(r"\], (\d+)\)")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"')
_LABELS = re.compile(r"\b(on|by) \(([^)]+)\)")
_OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
_REVERSED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OPPOSITE = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_SECONDS = {"s": 1, "m": 60, "h": 3_600}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule, what is wrong with it, and whether it may fail to be evaluated at all."""

    what: str
    rule: dict[str, Any]
    may_fail: bool = False


def mutants(rule: dict[str, Any]) -> Iterator[Mutant]:
    """Every rule that differs from this one in one place."""
    expr = rule["expr"]
    yield from _severities(rule)
    yield from _waits(rule)
    for what, changed in (*_bounds(expr), *_matchers(expr)):
        yield Mutant(what, {**rule, "expr": changed})
    for what, changed in _label_lists(expr):
        yield Mutant(what, {**rule, "expr": changed}, may_fail=True)


def _severities(rule: dict[str, Any]) -> Iterator[Mutant]:
    now = rule["labels"]["severity"]
    yield Mutant("severity", {**rule, "labels": {"severity": "warning" if now == "critical" else "critical"}})
    yield Mutant("no severity", {**rule, "labels": {}})


def _waits(rule: dict[str, Any]) -> Iterator[Mutant]:
    if "for" not in rule:
        yield Mutant("for 1m", {**rule, "for": "1m"})
        return
    seconds = int(rule["for"][:-1]) * _SECONDS[rule["for"][-1]]
    yield Mutant("no for", {name: value for name, value in rule.items() if name != "for"})
    for share in (0.5, 1.5):
        yield Mutant(f"for times {share}", {**rule, "for": f"{int(seconds * share)}s"})


def _bounds(expr: str) -> Iterator[tuple[str, str]]:
    for found in _outside_strings(_BOUND, expr):
        op, bound = found[1], float(found[2])
        for other in filter(None, (_OTHER[op], _REVERSED.get(op))):
            yield f"{op} as {other}: {found[0]}", _put(expr, found, f"{other} {found[2]}")
        # Whole numbers stand for counts and states: the next one; shares by a tenth.
        steps = (bound - 1, bound + 1) if bound == int(bound) else (bound * 0.9, bound * 1.1)
        for step in steps:
            if not (op == "==" and step < 0):
                yield f"{found[0]}: {step:g}", _put(expr, found, f"{op} {step:g}")
    for found in _outside_strings(_AGAINST, expr):
        for other in (_OTHER[found[1]], _REVERSED[found[1]]):
            yield f"{found[1]} as {other} at {found.start()}", _put(expr, found, f" {other} ")
    for found in _outside_strings(_HORIZON, expr):
        for share in (0.9, 1.1):
            yield f"{found[0]} times {share}", _put(expr, found, f"], {int(int(found[1]) * share)})")


def _matchers(expr: str) -> Iterator[tuple[str, str]]:
    """The same condition on every selector at once: one that lacks it would be held back by the others."""
    for name, op, value in sorted(set(_MATCHER.findall(expr))):
        whole = f'{name}{op}"{value}"'
        yield f"{whole}, turned", expr.replace(whole, f'{name}{_OPPOSITE[op]}"{value}"')
        values = value.split("|")
        for one in sorted({values[0], values[-1]}):
            left = "|".join(each for each in values if each != one) or "nothing"
            yield f"{name} without {one}", expr.replace(whole, f'{name}{op}"{left}"')


def _label_lists(expr: str) -> Iterator[tuple[str, str]]:
    for found in _outside_strings(_LABELS, expr):
        names = found[2].split(", ")
        for name in names:
            left = ", ".join(each for each in names if each != name)
            yield f"{found[1]} without {name} at {found.start()}", _put(expr, found, f"{found[1]} ({left})")


def _outside_strings(pattern: re.Pattern[str], expr: str) -> list[re.Match[str]]:
    blank: Callable[[re.Match[str]], str] = lambda found: "~" * len(found[0])  # noqa: E731
    return list(pattern.finditer(_STRING.sub(blank, expr)))


def _put(expr: str, found: re.Match[str], text: str) -> str:
    return expr[: found.start()] + text + expr[found.end() :]
