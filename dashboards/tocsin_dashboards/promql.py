"""The few shapes of query that boards repeat.

``$select`` stands for the matchers of the board's variables: the builder writes those whose label the metric has.
"""

import re

from tocsin_dashboards.scraped import labels
from tocsin_schema.metric import Metric

_SELECT = re.compile(r"(\w+)\{\$select")


def series(metric: str, match: str = "") -> str:
    """A metric's series as the board's variables choose them."""
    return f"{metric}{{$select{match and ',' + match}}}"


def rate(metric: str, match: str = "") -> str:
    """A counter's rate for each series."""
    return f"rate({series(metric, match)}[$__rate_interval])"


def rate_by(by: str, metric: str, match: str = "") -> str:
    """A counter's rate, summed by labels."""
    return f"sum by ({by}) ({rate(metric, match)})"


def gain(metric: str, match: str = "") -> str:
    """How much a counter gained in each step of a chart."""
    return f"increase({series(metric, match)}[$__rate_interval])"


def gain_in_range(metric: str, match: str = "") -> str:
    """How much a counter gained in the time that the board shows."""
    return f"increase({series(metric, match)}[$__range])"


def ratio(part: str, whole: str, match: str = "") -> str:
    """One gauge as a share of another."""
    return f"{series(part, match)} / {series(whole, match)}"


def mean_by(by: str, seconds: str, count: str) -> str:
    """The mean duration from a counter of seconds and one of events; 0 where nothing happened."""
    # 0 / 0 is NaN, a gap in the chart: nothing was slow.
    return f"{rate_by(by, seconds)} / ({rate_by(by, count)} > 0) or 0 * {rate_by(by, count)}"


def quantile(q: float, by: str, histogram: str) -> str:
    """A quantile of a classic histogram, over the series of the same labels."""
    return f"histogram_quantile({q:g}, {rate_by(by + ', le', histogram + '_bucket')})"


def selected(expr: str, variables: tuple[str, ...], known: dict[str, Metric]) -> str:
    """The query with each ``$select`` written out for its metric."""

    def matchers(found: re.Match[str]) -> str:
        has = labels(found[1], known)
        return f"{found[1]}{{" + ",".join(f'{name}=~"${name}"' for name in variables if name in has)

    return _SELECT.sub(matchers, expr)
