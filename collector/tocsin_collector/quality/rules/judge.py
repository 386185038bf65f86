"""From a window's counts to what each rule says of it."""

from collections.abc import Callable, Mapping
from math import inf, sqrt

from tocsin_collector.profile.hashing import hashes
from tocsin_collector.quality.exact import as_fraction
from tocsin_collector.quality.rules.counts import Counted, Tally, wanted_text
from tocsin_collector.quality.rules.rule import CONTAINS, EXISTS, FIGURES, UNIQUE, WINDOW, Rule, span
from tocsin_collector.verdict import RuleVerdict

EXAMPLES_TOLD = 5
_ROOT_OF_LARGEST = 1e154


def judge(counted: Counted, rows: int, features: Mapping[str, int]) -> tuple[RuleVerdict, ...]:
    """The verdict of each rule on a window of ``rows``; ``features`` has the rows with a value, by feature."""
    window = rows, {name for name, count in features.items() if count}
    pairs = zip(counted.rules.rules, counted.tallies, strict=True)
    return tuple(_verdict(rule, tally, *window) for rule, tally in pairs)


def _verdict(rule: Rule, tally: Tally, rows: int, features: set[str]) -> RuleVerdict:
    if rule.check in WINDOW:
        return _of_window(rule, rows, features)
    if rule.check in FIGURES:
        return _figure(rule, tally)
    if rule.check == CONTAINS:
        return _contains(rule, tally)
    if rule.check == EXISTS:
        reason = "" if tally.unexpected else f"{rule.name}: it has no value in {tally.rows:,} rows"
        return RuleVerdict(rule.name, rule.check, tally.rows, int(not tally.unexpected), None, reason)
    return _share(rule, tally)


def _share(rule: Rule, tally: Tally) -> RuleVerdict:
    """Checks of each value: so many of them may be beyond."""
    unexpected, examples = tally.unexpected, tally.sample.top(EXAMPLES_TOLD)
    if rule.check == UNIQUE:  # its sample is of all values, and has no texts
        unexpected = round(tally.sample.repeated * tally.rows)
    kept = not tally.rows or (tally.rows - unexpected) / tally.rows >= rule.mostly
    reason = "" if kept else f"{rule.name}: {_how_many(rule, tally.rows, unexpected)}{_listed(examples)}"
    return RuleVerdict(rule.name, rule.check, tally.rows, unexpected, None, reason, examples)


def _how_many(rule: Rule, rows: int, unexpected: int) -> str:
    allowed = f" (at most {1 - rule.mostly:.3g} of them may)" if rule.mostly < 1 else ""
    return f"{unexpected:,} of {rows:,} values break it{allowed}"


def _listed(examples: tuple[tuple[str, int], ...]) -> str:
    return ": " + ", ".join(f"{text} ({count:,})" for text, count in examples) if examples else ""


def _figure(rule: Rule, tally: Tally) -> RuleVerdict:
    """Checks of one figure; without values there is none, and nothing to judge."""
    value = _VALUES[rule.check](tally) if tally.rows else None
    kept = value is None or rule.low <= value <= rule.high
    reason = "" if kept else f"{rule.name}: it is {value:.6g} of {tally.rows:,} values, {span(rule)} is asked for"
    return RuleVerdict(rule.name, rule.check, tally.rows, int(not kept), value, reason)


def _mean(tally: Tally) -> float:
    return float(as_fraction(tally.total) / tally.rows)


def _sum(tally: Tally) -> float:
    total = as_fraction(tally.total)
    try:
        return float(total)
    except OverflowError:
        return inf if total > 0 else -inf


def _stdev(tally: Tally) -> float:
    """Of the sample, with n - 1, as pandas and SQL have it; of one value there is none: 0."""
    if tally.rows < 2:
        return 0.0
    if max(-tally.low, tally.high) > _ROOT_OF_LARGEST:
        return inf
    mean = as_fraction(tally.total) / tally.rows
    beyond = as_fraction(tally.squares) - mean * mean * tally.rows
    return sqrt(max(float(beyond / (tally.rows - 1)), 0.0))


_VALUES: dict[str, Callable[[Tally], float]] = {
    "min": lambda tally: tally.low,
    "max": lambda tally: tally.high,
    "mean": _mean,
    "sum": _sum,
    "stdev": _stdev,
    "distinct": lambda tally: tally.sample.distinct,
    "distinct_share": lambda tally: min(tally.sample.distinct / tally.rows, 1.0),
}


def _contains(rule: Rule, tally: Tally) -> RuleVerdict:
    seen = set(tally.sample.hashes.tolist())
    wanted = [*map(wanted_text, rule.values)]
    lacking = [text for text, key in zip(wanted, hashes(wanted).tolist(), strict=True) if key not in seen]
    reason = f"{rule.name}: {_first(lacking)} did not come in {tally.rows:,} values" if lacking else ""
    return RuleVerdict(rule.name, rule.check, tally.rows, len(lacking), None, reason)


def _of_window(rule: Rule, rows: int, features: set[str]) -> RuleVerdict:
    if rule.check == "features":
        return _features(rule, rows, features)
    value, what = (rows, "rows in the window") if rule.check == "rows" else (len(features), "features have values")
    kept = rule.low <= value <= rule.high
    reason = "" if kept else f"{rule.name}: {value:,} {what}, {span(rule)} is asked for"
    return RuleVerdict(rule.name, rule.check, rows, int(not kept), float(value), reason)


def _features(rule: Rule, rows: int, features: set[str]) -> RuleVerdict:
    wanted = {str(name) for name in rule.values}
    odd = [f"{name} has no value" for name in sorted(wanted - features)]
    odd += [f"{name} is not listed" for name in sorted(features - wanted)]
    reason = f"{rule.name}: {_first(odd)} in {rows:,} rows" if odd else ""
    return RuleVerdict(rule.name, rule.check, rows, len(odd), None, reason)


def _first(names: list[str]) -> str:
    rest = len(names) - EXAMPLES_TOLD
    return ", ".join(names[:EXAMPLES_TOLD]) + (f" and {rest} more" if rest > 0 else "")
