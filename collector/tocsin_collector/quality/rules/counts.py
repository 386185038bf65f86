"""The counts of a window for each of its rules: whole numbers, least and greatest values, and samples, which merge to
the same in any order and in any blocks."""

from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.hashing import hashes
from tocsin_collector.quality.exact import exact_sum
from tocsin_collector.quality.rules import each
from tocsin_collector.quality.rules.rule import CONTAINS, EACH, EXISTS, PAIR, UNIQUE, WINDOW, Rule, Rules, Value
from tocsin_collector.quality.sample import Sample, merged, of_columns, of_numbers, sample, sample_of_rows
from tocsin_collector.verdict import NUMBER

EXAMPLES = 64
"""Distinct values beyond a rule that are remembered; the most frequent of them are told."""
DISTINCT = 4_096
"""Distinct values that are counted exactly; with more the share is that of a sample of so many."""
SHOWN_CHARS = 60


class Tally(NamedTuple):
    """One rule's counts. ``rows`` were looked at, ``unexpected`` of them do not keep it; ``total`` and ``squares``
    are exact sums."""

    rows: int = 0
    unexpected: int = 0
    low: float = inf
    high: float = -inf
    total: int = 0
    squares: int = 0
    sample: Sample = Sample()

    def state(self) -> list[Any]:
        """All of it as plain values and columns; ``tally_of`` takes it."""
        held = self.sample
        sums = [f"{self.total:x}", f"{self.squares:x}"]
        shown = [[f"{key:x}", text] for key, text in held.shown.items()]
        return [self.rows, self.unexpected, self.low, self.high, *sums, held.most, held.hashes, held.counts, shown]


def tally_of(state: list[Any]) -> Tally:
    """What ``state`` told."""
    rows, unexpected, low, high, total, squares, most, hashes, counts, shown = state
    texts = {int(key, 16): text for key, text in shown}
    held = Sample(most, hashes.copy(), counts.copy(), texts)
    return Tally(rows, unexpected, low, high, int(total, 16), int(squares, 16), held)


@dataclass(frozen=True, slots=True)
class Counted:
    """The tallies of some rows, one a rule in their order."""

    rules: Rules
    tallies: tuple[Tally, ...]


def nothing(rules: Rules) -> Counted:
    """The counts of no rows."""
    return Counted(rules, (Tally(),) * len(rules.rules))


def count(frame: Frame, rules: Rules) -> Counted:
    """Count a block. A column that is not there counts as missing in all its rows; nothing fails."""
    return Counted(rules, tuple(_tally(rule, frame) for rule in rules.rules))


def merge(a: Counted, b: Counted) -> Counted:
    """The counts of both's rows, which must have been counted for the same rules."""
    return Counted(a.rules, tuple(map(_merged, a.tallies, b.tallies)))


def _merged(a: Tally, b: Tally) -> Tally:
    return Tally(
        a.rows + b.rows,
        a.unexpected + b.unexpected,
        min(a.low, b.low),
        max(a.high, b.high),
        a.total + b.total,
        a.squares + b.squares,
        merged(a.sample, b.sample),
    )


def _tally(rule: Rule, frame: Frame) -> Tally:
    if rule.check in WINDOW:
        return Tally(frame.rows)
    found = [frame.columns.get(name) for name in rule.columns]
    if rule.check == "present":
        return Tally(frame.rows, frame.rows - _known(found[0]))
    if rule.check in ("absent", EXISTS):
        return Tally(frame.rows, _known(found[0]))
    columns = [values for values in found if values is not None]
    if len(columns) < len(found):
        return Tally()
    rows = np.flatnonzero(np.logical_and.reduce([each.present(values) for values in columns]))
    return _of_values(rule, [values.take(rows) for values in columns]) if len(rows) else Tally()


def _known(values: Values | None) -> int:
    return 0 if values is None else int(np.count_nonzero(each.present(values)))


def _of_values(rule: Rule, columns: list[Values]) -> Tally:
    first = columns[0]
    if rule.check in EACH:
        return _beyond(first, each.keeps(rule, first), is_shown=rule.check != "without_personal")
    if rule.check in PAIR:
        return _beyond(first, each.pairs(rule, first, columns[1]))
    if rule.check in (UNIQUE, "distinct", "distinct_share"):
        keys = of_columns(columns)
        return Tally(len(keys), sample=sample_of_rows(keys, DISTINCT))
    if rule.check == CONTAINS:
        return _seen(rule, first)
    return _figures(first)


def _beyond(values: Values, kept: NDArray[np.bool_], *, is_shown: bool = True) -> Tally:
    """The tally of values of which some are not as they should, those with examples."""
    bad = np.flatnonzero(~kept)
    return Tally(len(kept), len(bad), sample=_examples(values.take(bad)) if len(bad) and is_shown else Sample())


def _examples(values: Values) -> Sample:
    codes, counts = np.unique(values.data, return_counts=True)
    if values.kind == NUMBER:
        keys = of_numbers(codes.astype(np.float64))
    else:
        keys = hashes([values.names[code] for code in codes.tolist()])
    found = sample(keys, counts, EXAMPLES)
    number_of = dict(zip(keys.tolist(), codes.tolist(), strict=True))
    shown = {key: _text(number_of[key], values) for key in found.hashes.tolist()}
    return Sample(found.most, found.hashes, found.counts, shown)


def _text(code: float, values: Values) -> str:
    text = each.written(code) if values.kind == NUMBER else values.names[int(code)]
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def _seen(rule: Rule, values: Values) -> Tally:
    """Which of the wanted values came, told apart by their hashes."""
    names, _ = each.distinct(values)
    wanted = {wanted_text(value) for value in rule.values}
    keys = hashes([name for name in names if name in wanted])
    return Tally(len(values.data), sample=sample_of_rows(keys, len(wanted)))


def wanted_text(value: Value) -> str:
    """A value of a set as a column would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else each.written(float(value))


def _figures(values: Values) -> Tally:
    if values.kind != NUMBER:
        return Tally()
    data = values.data[np.isfinite(values.data)].astype(np.float64)
    if not len(data):
        return Tally()
    with np.errstate(over="ignore"):
        squares = data * data
    return Tally(
        len(data),
        0,
        float(data.min()),
        float(data.max()),
        exact_sum(data),
        exact_sum(squares[np.isfinite(squares)]),
    )
