"""What is wrong with a rule, from its syntax tree and the catalogue of metrics.

The checks that promtool lacks, after pint's (https://cloudflare.github.io/pint/): they need no Prometheus, since every
metric with its type and labels is in the catalogue.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import promql_parser as promql

from tests.dashboards.promql import WrongLabels, kept
from tocsin_dashboards.scraped import entry, labels
from tocsin_schema.catalogue import catalogue
from tocsin_schema.metric import COUNTER, HISTOGRAM

SCRAPE_S = 15
"""Of deploy/prometheus."""
ABSENT_OF_SOME_CASES = {("CollectorDown", "instance")}
"""Labels that a text may name although a part of the expression lacks them: without any target there is no instance."""
_OF_COUNTERS, _OF_GAUGES = ("rate", "irate", "increase"), ("delta", "idelta", "deriv", "predict_linear")
_FRAGILE = ("topk", "bottomk", "limitk", "limit_ratio", "count_values")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def faults(rule: Mapping[str, Any]) -> list[str]:
    """Every fault of a rule as it stands in a rules file, recorded series written out."""
    try:
        tree = promql.parse(rule["expr"])
    except ValueError as error:
        return [f"does not parse: {error}"]
    try:
        kept(rule["expr"], catalogue())
    except WrongLabels as error:
        return [str(error)]
    return [
        *_calls(tree),
        *_selectors(tree),
        *_aggregations(tree),
        *(_alert(rule, tree) if "alert" in rule else ()),
    ]


def nodes(node: Any) -> Iterator[Any]:
    """A node and all below it."""
    yield node
    below = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param")]
    for child in [*below, *(getattr(node, "args", None) or [])]:
        if isinstance(child, promql.Expr):
            yield from nodes(child)


def _named(tree: Any, kind: type) -> list[Any]:
    return [node for node in nodes(tree) if isinstance(node, kind)]


def _calls(tree: Any) -> Iterator[str]:
    for call in _named(tree, promql.Call):
        function, selectors = call.func.name, _named(call, promql.VectorSelector)
        for selector in selectors:
            metric = entry(selector.name, catalogue())
            counts = metric is not None and metric.type in (COUNTER, HISTOGRAM)
            if function in _OF_COUNTERS and not counts:
                yield f"{function}({selector.name}): no counter"
            if function in _OF_GAUGES and counts:
                yield f"{function}({selector.name}): a counter, which falls to 0 at a restart"
        for ranged in _named(call, promql.MatrixSelector):
            if ranged.range.total_seconds() < 4 * SCRAPE_S:
                yield f"{function}: {ranged.range} has fewer than four scrapes"


def _selectors(tree: Any) -> Iterator[str]:
    for selector in _named(tree, promql.VectorSelector):
        for matcher in selector.matchers.matchers:
            operator = str(matcher.op).rpartition(".")[2]
            if matcher.name not in labels(selector.name, catalogue()):
                yield f"{selector.name} has no label {matcher.name}"
            if operator in ("Re", "NotRe") and not re.search(r"[|.*+?()\[\]\\]", matcher.value):
                yield f'{matcher.name}=~"{matcher.value}": no pattern'
            if matcher.name in ("le", "quantile") and re.fullmatch(r"\d+", matcher.value):
                yield f'{matcher.name}="{matcher.value}": Prometheus 3 writes {matcher.value}.0'
        if (selector.offset or 0) and selector.offset.total_seconds() < 0:
            yield f"{selector.name}: an offset into the future"


def _aggregations(tree: Any) -> Iterator[str]:
    for aggregation in _named(tree, promql.AggregateExpr):
        if str(aggregation.op) in _FRAGILE:
            yield f"{aggregation.op}: which series it keeps changes from one evaluation to the next"
        if aggregation.modifier is not None and aggregation.modifier.type == promql.AggModifierType.Without:
            yield "without: a label that comes later is kept, and alerts double"


def _alert(rule: Mapping[str, Any], tree: Any) -> Iterator[str]:
    # A comparison with `bool` filters nothing.
    filters = [
        each for each in _named(tree, promql.BinaryExpr)
        if str(each.op) in _COMPARISONS and not (each.modifier and each.modifier.return_bool)
    ]  # fmt: skip
    absent = [call for call in _named(tree, promql.Call) if call.func.name in ("absent", "absent_over_time")]
    if not filters and not absent:
        yield "always fires while its series are there"
    if absent and _seconds(str(rule.get("for", "0s"))) < 2 * SCRAPE_S:
        yield "absent() without a `for` of two scrapes fires at every restart of Prometheus"
    for name, text in rule.get("labels", {}).items():
        if "{{" in text:
            yield f"label {name}: a template; with a value in it each evaluation begins another alert"
    yield from _texts(rule, tree)


def _texts(rule: Mapping[str, Any], tree: Any) -> Iterator[str]:
    texts = " ".join(rule.get("annotations", {}).values())
    for branch in _branches(tree):
        there = kept(str(branch), catalogue()) or set()
        if isinstance(branch, promql.Call) and branch.func.name == "absent":
            there = {matcher.name for matcher in branch.args[0].matchers.matchers}
        for name in sorted(set(re.findall(r"\$labels\.(\w+)", texts)) - there):
            if (rule["alert"], name) not in ABSENT_OF_SOME_CASES:
                yield f"its texts name {name}, which the result lacks"
    for name in ("summary", "description", "runbook_url"):
        if not rule.get("annotations", {}).get(name):
            yield f"no {name}"


def _branches(tree: Any) -> Iterator[Any]:
    """What an alternative of `or` brings stands alone: each must have what the texts name."""
    while isinstance(tree, promql.ParenExpr):
        tree = tree.expr
    if isinstance(tree, promql.BinaryExpr) and str(tree.op) == "or":
        yield from _branches(tree.lhs)
        yield from _branches(tree.rhs)
    else:
        yield tree


def _seconds(text: str) -> int:
    return int(text[:-1]) * _SECONDS[text[-1]]
