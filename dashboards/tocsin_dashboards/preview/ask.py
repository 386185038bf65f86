"""A board's queries, put to a Prometheus as Grafana would: variables filled in, a range or now.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Found = tuple[dict[str, str], tuple[tuple[float, float], ...]]
"""A series' labels and its points."""
_POINTS = 240
"""Points of a chart; Grafana asks for one a pixel."""
_LIMIT_S = 30
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Span:
    """The time that the board shows. ``scrape_s`` is how often Prometheus scrapes (Grafana reads it off the data
    source)."""

    start_s: float
    end_s: float
    scrape_s: float

    @property
    def step_s(self) -> float:
        """Seconds between two points, whole ones."""
        return float(math.ceil(max((self.end_s - self.start_s) / _POINTS, self.scrape_s)))

    def values(self) -> dict[str, str]:
        """Grafana's own variables."""
        length_s = round(self.end_s - self.start_s)
        rate_s = math.ceil(max(self.step_s + self.scrape_s, 4 * self.scrape_s))
        return {
            "__rate_interval": f"{rate_s}s",
            "__interval": f"{self.step_s:g}s",
            "__range": f"{length_s}s",
            "__range_s": str(length_s),
        }


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: which query it answers, its labels, its legend, its points (time, value)."""

    ref: str
    labels: dict[str, str]
    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(slots=True)
class Answer:
    """What the queries of a panel brought, and what Prometheus said against them."""

    series: list[Series] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class PrometheusError(Exception):
    """Prometheus did not answer, or refused a query; the message says which."""


class Prometheus:
    """A Prometheus at an address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def panel(self, panel: Json, span: Span, variables: Mapping[str, str]) -> Answer:
        """All queries of a panel."""
        answer = Answer()
        for target in panel["targets"]:
            expr = filled(target["expr"], {**variables, **span.values()})
            try:
                found = self.now(expr, span) if target.get("instant") else self.over(expr, span)
            except PrometheusError as error:
                answer.errors.append(f"{target['refId']}: {error}")
                continue
            for labels, points in found:
                answer.series.append(Series(target["refId"], labels, legend(target["legendFormat"], labels), points))
        return answer

    def now(self, expr: str, span: Span) -> list[Found]:
        """The newest values of an expression."""
        result = self._get("query", query=expr, time=f"{span.end_s:.3f}")
        return _with_points((each["metric"], [each["value"]]) for each in result)

    def over(self, expr: str, span: Span) -> list[Found]:
        """An expression over the span; points that are no number are left out."""
        # Whole steps, as Grafana asks: the same page shows the same points.
        start = math.floor(span.start_s / span.step_s) * span.step_s
        result = self._get(
            "query_range", query=expr, start=f"{start:.3f}", end=f"{span.end_s:.3f}", step=f"{span.step_s:g}"
        )
        return _with_points((each["metric"], each["values"]) for each in result)

    def _get(self, path: str, **query: str) -> list[Json]:
        url = f"{self._url}/api/v1/{path}"
        body = urllib.parse.urlencode(query).encode()
        try:
            with urllib.request.urlopen(url, data=body, timeout=_LIMIT_S) as answer:  # noqa: S310
                result: list[Json] = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise PrometheusError(_reason(error)) from None
        except (OSError, ValueError) as error:
            raise PrometheusError(f"{url}: {error}") from None
        except (KeyError, TypeError):
            raise PrometheusError(f"{url} answers, but not as Prometheus does") from None
        return result


def filled(expr: str, values: Mapping[str, str]) -> str:
    """An expression without variables. Raises PrometheusError when one has no value."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise PrometheusError(f"the variable ${found[1]} has no value")
        return values[found[1]]

    return re.sub(r"\$(\w+)", value, expr)


def legend(template: str, labels: Mapping[str, str]) -> str:
    """The name of a series."""
    return re.sub(r" +", " ", _LEGEND.sub(lambda found: labels.get(found[1], ""), template)).strip() or "value"


def _with_points(found: Iterable[tuple[dict[str, str], list[list[Any]]]]) -> list[Found]:
    kept = []
    for labels, values in found:
        points = ((float(at), float(value)) for at, value in values)
        numbers = tuple((at, value) for at, value in points if not math.isnan(value))
        kept += [(labels, numbers)] if numbers else []
    return kept


def _reason(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            said = json.load(error)
        except ValueError:
            said = {}
    return str(said.get("error") or f"HTTP {error.code}") if isinstance(said, dict) else f"HTTP {error.code}"
