"""The series pushed as OTLP metrics over HTTP in JSON (opentelemetry-proto 1.x), packed with gzip.

Counters become cumulative sums, histograms exponential ones, all else gauges. Names and labels are those of /metrics: a
Prometheus that takes OTLP makes the same series of them.
"""

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from pydantic_core import to_json

from tocsin_collector.export.exposition import AnyColumn, Family, Histogram, Histograms, Sample
from tocsin_collector.export.metrics import Metrics
from tocsin_collector.export.outbox import Limits, Outbox, Request
from tocsin_collector.fleet.scrape import Answer
from tocsin_collector.servers.ask import Access
from tocsin_schema.metric import COUNTER, Metric
from tocsin_schema.native import ZERO_S, native

FIELDS = ("Content-Type: application/json", "Content-Encoding: gzip")
_RETRIED = frozenset({429, 502, 503, 504})
_UNITS = {"seconds": "s", "bytes": "By", "ratio": "1"}
_CUMULATIVE = 2
_NO_VALUE = 1
"""The flag of a data point that ends its series."""


class Otlp:
    """Pushes what ``metrics`` shows to ``access``; ``resource`` are the attributes of the collector itself."""

    def __init__(
        self,
        metrics: Metrics,
        access: Access,
        resource: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.time,
        limits: Limits = Limits(),
    ) -> None:
        self.outbox = Outbox(access, taken, _RETRIED, clock, limits)
        self._metrics = metrics
        self._resource = resource
        self._clock = clock

    async def run(self, interval_s: float) -> None:
        """Push at every interval until cancelled."""
        await self.outbox.run(self.snapshot, self._farewell, interval_s)

    async def snapshot(self) -> None:
        """Push what is shown now."""
        await self._metrics.refresh()
        await self._put(flags=0)

    async def _farewell(self) -> None:
        await self._put(flags=_NO_VALUE)

    async def _put(self, flags: int) -> None:
        families, time_ns = self._metrics.exposition.families(), int(self._clock() * 1e9)
        samples = sum(len(column.keys) for _, columns in families for _, column in columns)
        body = await asyncio.to_thread(_packed, families, self._resource, time_ns, flags)
        self.outbox.put(Request(body, FIELDS, samples))

    def samples(self) -> Iterator[Sample]:
        """Its own metrics."""
        return self.outbox.samples()


def taken(request: Request, answer: Answer) -> int:
    """How many data points a receiver has taken: 200 tells those that it has not (``partialSuccess``)."""
    if answer.status // 100 != 2:
        return 0
    try:
        rejected = int((json.loads(answer.text or "{}").get("partialSuccess") or {}).get("rejectedDataPoints") or 0)
    except (ValueError, AttributeError, TypeError, RecursionError):
        rejected = 0  # an answer in another form than the request's
    return request.samples - rejected


def _packed(families: list[Family], resource: Mapping[str, str], time_ns: int, flags: int) -> bytes:
    document = export_request(families, resource, time_ns, flags)
    # JSON has no infinities; protobuf's mapping has them as texts.
    return gzip.compress(to_json(document, inf_nan_mode="strings"), 1)


def export_request(families: list[Family], resource: Mapping[str, str], time_ns: int, flags: int) -> dict[str, Any]:
    """An ``ExportMetricsServiceRequest``."""
    metrics = [_metric(metric, [column for _, column in columns], time_ns, flags) for metric, columns in families]
    scopes = [{"scope": {"name": "tocsin"}, "metrics": metrics}]
    return {"resourceMetrics": [{"resource": {"attributes": _attributes(resource)}, "scopeMetrics": scopes}]}


def _metric(metric: Metric, columns: list[AnyColumn], time_ns: int, flags: int) -> dict[str, Any]:
    # Prometheus adds a unit to a name that lacks it.
    unit = _UNITS.get(metric.unit, "") if metric.name.removesuffix("_total").endswith("_" + metric.unit) else ""
    about = {"name": metric.name, "description": metric.help, "unit": unit}
    points: list[dict[str, Any]] = []
    kind = "gauge"
    for column in columns:
        shared = {"timeUnixNano": str(time_ns), **({"flags": flags} if flags else {})}
        rows = [shared | {"attributes": _attributes(labels)} for labels in column.rows()]
        if isinstance(column, Histograms):
            kind = "exponentialHistogram"
            points += [row | _exponential(each) for row, each in zip(rows, column.values, strict=True)]
        else:
            points += [row | {"asDouble": float(each)} for row, each in zip(rows, column.values, strict=True)]
    if kind == "gauge" and metric.type != COUNTER:
        return about | {kind: {"dataPoints": points}}
    found: dict[str, Any] = {"dataPoints": points, "aggregationTemporality": _CUMULATIVE}
    if metric.type == COUNTER:
        return about | {"sum": found | {"isMonotonic": True}}
    return about | {kind: found}


def _attributes(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    found = [(name, value.encode("utf-8", "replace").decode()) for name, value in labels.items() if value]
    return [{"key": name, "value": {"stringValue": value}} for name, value in found]


def _exponential(histogram: Histogram) -> dict[str, Any]:
    """The native buckets. OTLP numbers them by their lower bound, Prometheus by their upper one."""
    found = native(histogram.counts)
    counts: list[int] = []
    filled = iter(accumulate(found.deltas))
    for number, (gap, length) in enumerate(found.spans):
        counts += [0] * (gap if number else 0) + [next(filled) for _ in range(length)]
    offset = found.spans[0][0] - 1 if found.spans else 0
    return {
        "count": str(histogram.total),
        "sum": histogram.sum_s,
        "scale": found.schema,
        "zeroCount": str(found.zeros),
        "zeroThreshold": ZERO_S,
        "positive": {"offset": offset, "bucketCounts": [str(count) for count in counts]},
    }
