"""A query: its metrics and labels are the catalogue's, counters are rated, every variable narrows every series."""

import re
from typing import Any, NamedTuple

from tocsin_dashboards.lint.variables import OWN, used
from tocsin_dashboards.scraped import entry, labels
from tocsin_schema.metric import COUNTER, GAUGE, HISTOGRAM, Metric

Json = dict[str, Any]

_STRING = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf"(?:\b(\w+)\()?\b([a-zA-Z_:][\w:]*)\{{((?:[^}}\"]|{_STRING})*)\}}(?:\[([^\]]*)\])?")
_MATCHER = re.compile(rf"(\w+)\s*(=~|!~|!=|=)\s*({_STRING})")
_GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_KEPT = re.compile(r"\bby\s*\(([^)]*)\)")
_AGGREGATED = re.compile(r"\b(?:sum|avg|min|max|count|stddev|topk|bottomk|group)\b\s*(?:by\s*)?\(")
_ADDED = re.compile(rf"label_replace\(.*?,\s*\"(\w+)\",\s*{_STRING},\s*{_STRING},\s*{_STRING}\)")
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_WORD = re.compile(r"\b(?:node|tocsin|process|scrape)_\w+\b|\bup\b")
_RATES = {"rate", "irate", "increase"}
_SPANS = {"rate": {"$__rate_interval"}, "irate": {"$__rate_interval"}, "increase": {"$__rate_interval", "$__range"}}
_PAIRS = {")": "(", "]": "[", "}": "{"}
_NOW = ("stat", "table")


class Selector(NamedTuple):
    """A selector as it stands in a query: the function right around it, its metric, its matchers, its range."""

    function: str
    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    span: str


def selectors(expr: str) -> list[Selector]:
    """The selectors of a query."""
    return [
        Selector(function, metric, tuple((label, op, text[1:-1]) for label, op, text in _MATCHER.findall(inside)), span)
        for function, metric, inside, span in _SELECTOR.findall(expr)
    ]


def metrics_in(expr: str) -> set[str]:
    """The names of the series that a query uses."""
    return {selector.metric for selector in selectors(expr)}


def target_faults(target: Json, kind: str, variables: set[str], known: dict[str, Metric]) -> list[str]:
    """Faults of a panel's query; ``kind`` is the panel's, ``variables`` are the board's."""
    found = faults(target["expr"], target.get("legendFormat", ""), variables, known)
    if (kind in _NOW) != bool(target.get("instant")):
        found.append("stats and tables ask for now, charts for a range")
    if (kind == "table") != (target.get("format") == "table"):
        found.append("its format is not the table's")
    if kind == "heatmap" and target.get("format") != "heatmap":
        found.append("its format is not the heatmap's")
    if kind == "table" and not _KEPT.search(target["expr"]):
        found.append("a table's query is aggregated by the labels of its rows")
    return [f"query {target['refId']}: {fault}" for fault in found]


def faults(expr: str, legend: str, variables: set[str], known: dict[str, Metric]) -> list[str]:
    """Faults of one expression and its legend."""
    if broken := _unbalanced(expr):
        return [broken]
    found = [f"there is no variable ${name}" for name in sorted(used(expr) - variables - OWN)]
    for selector in selectors(expr):
        found += _selector_faults(selector, variables, known)
    for word in sorted(set(_WORD.findall(_bare(expr)))):
        found.append(f"{word} stands without a selector, so no variable narrows it")
    if not selectors(expr):
        found.append("it asks for no metric")
    return found + _label_faults(expr, legend, known)


def _selector_faults(selector: Selector, variables: set[str], known: dict[str, Metric]) -> list[str]:
    name = selector.metric
    metric = entry(name, known)
    if metric is None:
        return [f"{name} is not in the catalogue"]
    if metric.type == HISTOGRAM and name == metric.name:
        return [f"{name} is a histogram: it has _bucket, _sum and _count"]
    has = labels(name, known)
    found = [
        f"{name}: the variable ${variable} is not used"
        for variable in sorted(variables & has)
        if (variable, "=~", f"${variable}") not in selector.matchers
    ]
    for label, op, value in selector.matchers:
        if label not in has:
            found.append(f"{name} has no label {label}")
        if label in ("le", "quantile") and value.isdigit():
            found.append(f'{label}{op}"{value}" matches one version of Prometheus: 3.0 writes {value}.0')
        if op in ("=~", "!~") and not value.startswith("$") and not _compiles(value):
            found.append(f"{value!r} is no regular expression")
    return found + _rate_faults(selector, COUNTER if metric.type == HISTOGRAM else metric.type)


def _rate_faults(selector: Selector, kind: str) -> list[str]:
    name, function, span = selector.metric, selector.function, selector.span
    if function in _RATES and span not in _SPANS[function]:
        return [f"{name} is rated over {span or 'nothing'}, not over $__rate_interval"]
    if kind == COUNTER and function not in _RATES:
        return [f"the counter {name} is plotted without rate()"]
    if kind == GAUGE and function in _RATES:
        return [f"{name} is a gauge: {function}() takes each fall for a restart"]
    return []


def _label_faults(expr: str, legend: str, known: dict[str, Metric]) -> list[str]:
    added = set(_ADDED.findall(expr))
    has = added.union(*(labels(name, known) for name in metrics_in(expr)))
    grouped = _labels_of(_GROUPING.findall(expr))
    found = [f"no metric of it has the label {label}" for label in sorted(grouped - has)]
    kept = added | _labels_of(_KEPT.findall(expr)) if _AGGREGATED.search(expr) else has
    shown = set(_LEGEND.findall(legend))
    return found + [f"the legend shows {label}, which the query does not keep" for label in sorted(shown - kept)]


def _labels_of(groups: list[str]) -> set[str]:
    return {label.strip() for group in groups for label in group.split(",") if label.strip()}


def _bare(expr: str) -> str:
    """The expression without its strings, its selectors and the labels that group it."""
    return _GROUPING.sub("", _SELECTOR.sub("", re.sub(r"label_replace\b", "", expr)))


def _unbalanced(expr: str) -> str:
    bare = re.sub(_STRING, "", expr)
    opened: list[str] = []
    for sign in bare:
        if sign in "([{":
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            return f"a {sign} closes nothing"
    if '"' in bare:
        return "a text has no end"
    return f"a {opened[-1]} is not closed" if opened else ""


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
