"""tocsin's own form of rules: tables of TOML or JSON, each with a column and one check.

[[rule]]
column = "feature.age"
between = [0, 120]
mostly = 0.99
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from math import inf, isfinite, isnan, nan
from typing import Any

from tocsin_collector.quality.pattern import PatternError, pattern
from tocsin_collector.quality.rules.rule import (
    CONTAINS,
    EACH,
    EXISTS,
    FIGURES,
    MOST_NAME,
    MOST_RULES,
    MOST_VALUES,
    PAIR,
    PREFIXES,
    SINGLE,
    TYPES,
    UNIQUE,
    WINDOW,
    Rule,
    RuleError,
    Rules,
    named,
)
from tocsin_collector.quality.text.language import LANGUAGES
from tocsin_collector.quality.text.private import KINDS

FAULTS_TOLD = 10
CHECKS = (*EACH, *PAIR, UNIQUE, *FIGURES, CONTAINS, EXISTS, *WINDOW)
_BESIDE = "column", "columns", "mostly", "name"


def read(table: Mapping[str, object]) -> Rules:
    """The rules of a file. Raises RuleError with every fault."""
    listed = table.get("rule", [])
    if not isinstance(listed, list) or len(listed) > MOST_RULES:
        raise RuleError(f"rule: a list of at most {MOST_RULES} tables is needed, such as [[rule]] in TOML")
    found, faults = [], [f"{_shown(key)}: only `rule` is known here" for key in table if key != "rule"]
    for number, item in enumerate(listed, 1):
        try:
            found.append(rule_of(item))
        except RuleError as fault:
            faults.append(f"rule {number}: {fault}")
    if faults:
        more = f"\n... and {len(faults) - FAULTS_TOLD} more" if len(faults) > FAULTS_TOLD else ""
        raise RuleError("\n".join(faults[:FAULTS_TOLD]) + more)
    return Rules(named(found))


def rule_of(item: object) -> Rule:
    """One table as a rule. Raises RuleError."""
    if not isinstance(item, Mapping):
        raise RuleError(f"a table with a column and a check is needed, found {_shown(item)}")
    for key in item:
        if key not in CHECKS and key not in _BESIDE:
            near = get_close_matches(str(key), (*CHECKS, *_BESIDE), 1)
            raise RuleError(f"{_shown(key)} is no check" + (f"; did you mean {near[0]}?" if near else ""))
    checks = [key for key in CHECKS if key in item]
    if len(checks) != 1:
        raise RuleError(f"one check is needed ({', '.join(CHECKS)}), found {', '.join(checks) or 'none'}")
    check = checks[0]
    return Rule(
        check,
        _columns(check, item),
        *_bounds(check, item[check]),
        _values(check, item[check]),
        _mostly(check, item.get("mostly", 1.0)),
        _text("name", item.get("name", "")),
    )


def column(name: object) -> str:
    """The name of a column as a block has it. Raises RuleError."""
    text = _text("column", name)
    if text in SINGLE or any(text.startswith(prefix) and text != prefix for prefix in PREFIXES):
        return text
    raise RuleError(f"column {text!a:.80}: {', '.join(SINGLE)} or feature.NAME, score.CLASS, segment.NAME is needed")


def _columns(check: str, item: Mapping[str, object]) -> tuple[str, ...]:
    if check in WINDOW:
        if "column" in item or "columns" in item:
            raise RuleError(f"{check} is about the window as a whole: it has no column")
        return ()
    if check == UNIQUE and "columns" in item:
        listed = item["columns"]
        if "column" in item or not isinstance(listed, list) or not 1 < len(listed) <= 100:
            raise RuleError("columns: a list of 2 to 100 columns is needed, and no `column` beside it")
        return tuple(map(column, listed))
    if "columns" in item or "column" not in item:
        raise RuleError(f"{check} needs `column`, the one that it is about")
    first = column(item["column"])
    return (first, column(item[check])) if check in PAIR else (first,)


def _bounds(check: str, value: object) -> tuple[float, float]:
    if check not in ("between", "length", "rows", "feature_count", *FIGURES):
        return -inf, inf
    if not isinstance(value, list) or len(value) != 2:
        raise RuleError(f"{check}: [least, greatest] is needed, found {_shown(value)}")
    low, high = _bound(check, value[0], -inf), _bound(check, value[1], inf)
    if low > high or (low == -inf and high == inf):
        raise RuleError(f"{check}: nothing is beyond {_shown(value)}" if low < high else f"{check}: {low:g} > {high:g}")
    return low, high


def _bound(check: str, value: object, default: float) -> float:
    if value is None:
        return default
    number = _float(check, value) if isinstance(value, int | float) and not isinstance(value, bool) else nan
    if isnan(number):
        raise RuleError(f"{check}: a number is needed, found {_shown(value)}")
    return number


def _values(check: str, value: object) -> tuple[Any, ...]:
    if check in ("present", "absent", "json", UNIQUE, EXISTS):
        if value is not True:
            raise RuleError(f"{check}: true is needed, found {_shown(value)}")
        return ()
    return _VALUES[check](check, value) if check in _VALUES else ()


def _set(check: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_VALUES:
        raise RuleError(f"{check}: a list of 1 to {MOST_VALUES} values is needed, found {_shown(value)}")
    return tuple(_member(check, one) for one in value)


def _member(check: str, value: object) -> str | float | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(check, value, 65_536)
    if isinstance(value, int | float) and isfinite(_float(check, value)):
        return _float(check, value)
    raise RuleError(f"{check}: texts, finite numbers, true or false are needed, found {_shown(value)}")


def _patterns(check: str, value: object) -> tuple[Any, ...]:
    listed = value if isinstance(value, list) else [value]
    if not 0 < len(listed) <= 100:
        raise RuleError(f"{check}: 1 to 100 expressions are needed, found {len(listed)}")
    try:
        return tuple(pattern(_text(check, one, 65_536)) and one for one in listed)
    except PatternError as fault:
        raise RuleError(f"{check}: {fault}") from None


def _one_of(known: Sequence[str]) -> Callable[[str, object], tuple[Any, ...]]:
    def read(check: str, value: object) -> tuple[Any, ...]:
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(one, str) and one in known for one in listed):
            raise RuleError(f"{check}: one or some of {', '.join(known)} are needed, found {_shown(value)}")
        return tuple(listed)

    return read


def _texts(check: str, value: object) -> tuple[Any, ...]:
    found = _set(check, value)
    if not all(isinstance(one, str) and one.strip() for one in found):
        raise RuleError(f"{check}: a list of texts is needed, none of them empty")
    return found


_VALUES: dict[str, Callable[[str, object], tuple[Any, ...]]] = {
    "in": _set,
    "not_in": _set,
    CONTAINS: _set,
    "matches": _patterns,
    "not_matches": _patterns,
    "type": _one_of(TYPES),
    "language": _one_of(LANGUAGES),
    "without_personal": _one_of(KINDS),
    "without_words": _texts,
    "features": _texts,
}


def _mostly(check: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise RuleError(f"mostly: a share above 0, up to 1 is needed, found {_shown(value)}")
    if value != 1 and check not in (*EACH, *PAIR, UNIQUE):
        raise RuleError(f"mostly: {check} is no check of single values")
    return float(value)


def _text(key: str, value: object, most: int = MOST_NAME) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise RuleError(f"{key}: a text of at most {most} characters is needed, found {_shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RuleError(f"{key}: a lone surrogate is no text") from None
    return value


def _float(key: str, value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise RuleError(f"{key}: the number is too large for 64 bits") from None


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return "a very long integer"
    return ascii(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
