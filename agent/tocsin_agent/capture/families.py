"""The sums of all workers as families of the text exposition."""

from itertools import accumulate

from tocsin_agent.capture.counts import COUNTERS
from tocsin_agent.capture.fold import sums
from tocsin_agent.capture.layout import DURATION, DURATION_NS, FIRST, FIRST_NS, IN_FLIGHT, OUTCOME
from tocsin_agent.capture.series import OUTCOMES
from tocsin_agent.exposition import Text, family, number, series
from tocsin_schema.latency import LE_S
from tocsin_schema.metric import header
from tocsin_schema.metrics import capture, inference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterable, Mapping

    from tocsin_agent.capture.reader import Totals
    from tocsin_agent.exposition import Natives
    from tocsin_schema.metric import Metric
    from tocsin_schema.native import Native

    Labels = Mapping[str, str]
    Histogram = tuple[Labels, list[int], int]
    """labels, counts by bucket, sum in ns"""

_BUCKETS = len(LE_S) + 1
_OWN = {metric.name: metric for metric in capture.METRICS}


def render(totals: "Totals") -> bytes:
    """Whole families; b"" where no worker has counted anything yet."""
    if not (totals.series or totals.live or totals.skipped):
        return b""
    models: dict[tuple[str, str, str], list[int]] = {}
    for key, cells in totals.series.items():
        known = models.get(key[:3])
        models[key[:3]] = cells if known is None else [a + b for a, b in zip(known, cells, strict=True)]
    rows = [(_labels(key), cells) for key, cells in sorted(models.items())]
    routes = [({**_labels(key[:3]), "route": key[3]}, cells) for key, cells in sorted(totals.series.items())]
    requests = [
        ({**labels, "outcome": outcome}, cells[OUTCOME + index])
        for labels, cells in rows
        for index, outcome in enumerate(OUTCOMES)
    ]
    text = b"".join(
        [
            family(inference.REQUESTS, requests),
            family(inference.IN_FLIGHT, [(labels, cells[IN_FLIGHT]) for labels, cells in rows]),
            _histograms(inference.DURATION, [_durations(*row) for row in rows]),
            _histograms(inference.FIRST_BYTE, [_first_bytes(*row) for row in rows]),
            _histograms(
                inference.ROUTE_DURATION, [row for row in (_durations(*route) for route in routes) if any(row[1])]
            ),
            *_own(totals),
        ]
    )
    return Text.of(text, lambda: natives(totals))


def natives(totals: "Totals") -> "Natives":
    """The same histograms in the layout's own buckets, by the series of their count."""
    from tocsin_schema.native import native

    models: dict[tuple[str, str, str], array[int]] = {}
    found: dict[bytes, Native] = {}
    for key, words in totals.words().items():
        known = models.get(key[:3])
        models[key[:3]] = words if known is None else sums(known, words)
        route = {**_labels(key[:3]), "route": key[3]}
        found[_count(inference.ROUTE_DURATION, route)] = native(words[DURATION:FIRST])
    for model, words in models.items():
        found[_count(inference.DURATION, _labels(model))] = native(words[DURATION:FIRST])
        found[_count(inference.FIRST_BYTE, _labels(model))] = native(words[FIRST:])
    return found


def _count(metric: "Metric", labels: "Labels") -> bytes:
    return series(f"{metric.name}_count", labels)


def _labels(key: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("project", "model", "version"), key, strict=True))


def _durations(labels: "Labels", cells: list[int]) -> "Histogram":
    return labels, cells[DURATION : DURATION + _BUCKETS], cells[DURATION_NS]


def _first_bytes(labels: "Labels", cells: list[int]) -> "Histogram":
    return labels, cells[DURATION + _BUCKETS :], cells[FIRST_NS]


def _histograms(metric: "Metric", rows: "list[Histogram]") -> bytes:
    lines = [header(metric)] if rows else []
    for labels, counts, sum_ns in rows:
        total = sum(counts)
        for le, count in zip((*map(repr, LE_S), "+Inf"), accumulate(counts), strict=True):
            lines.append(b"%b %d\n" % (series(f"{metric.name}_bucket", {**labels, "le": le}), count))
        lines.append(b"%b %b\n" % (series(f"{metric.name}_sum", labels), number(sum_ns / 1e9)))
        lines.append(b"%b %d\n" % (_count(metric, labels), total))
    return b"".join(lines)


def _own(totals: "Totals") -> "Iterable[bytes]":
    rows: dict[str, list[tuple[Labels, int]]] = {}
    for (name, label, value), count in zip(COUNTERS, totals.counters, strict=True):
        rows.setdefault(name, []).append(({label: value} if label else {}, count))
    for name, counted in rows.items():
        yield family(_OWN[name], counted)
    yield family(capture.WORKERS, [({}, totals.live)])
    yield family(capture.SKIPPED, [({}, totals.skipped)])
