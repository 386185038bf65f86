"""Samples as requests of Prometheus' remote write 1.0 and 2.0 (prompb's ``remote.proto``, ``write/v2/types.proto``)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from struct import pack
from typing import NamedTuple, TypeAlias

from tocsin_collector.export.exposition import CLASSIC, Family, Histograms
from tocsin_schema.metric import COUNTER, GAUGE, HISTOGRAM, Metric
from tocsin_schema.protobuf import label, message, unsigned, varint

Labels: TypeAlias = tuple[tuple[str, str], ...]
STALE = (0x7FF0000000000002).to_bytes(8, "little")
"""The NaN that ends a series."""


class Point(NamedTuple):
    """A series, by its labels in their order with ``__name__``, and the eight bytes of its value."""

    metric: Metric
    labels: Labels
    value: bytes


def points(families: Iterable[Family], target: Mapping[str, str]) -> Iterator[Point]:
    """Every series of an exposition; ``target`` are the labels that a scrape would have given it."""
    for metric, columns in families:
        for _, column in columns:
            rows = [{**target, **labels} for labels in column.rows()]
            if not isinstance(column, Histograms):
                for labels, value in zip(rows, column.values, strict=True):
                    yield _point(metric, metric.name, labels, value)
                continue
            for labels, histogram in zip(rows, column.values, strict=True):
                for (suffix, le), value in zip(CLASSIC, histogram.series(), strict=True):
                    yield _point(metric, metric.name + suffix, {**labels, "le": le}, value)


def _point(metric: Metric, name: str, labels: Mapping[str, str], value: float) -> Point:
    found = {"__name__": name, **labels}
    # An empty label is the same as none, and remote write asks for none.
    return Point(metric, tuple(sorted([pair for pair in found.items() if pair[1]])), pack("<d", value))


def _sample(value: bytes, time_ms: int) -> bytes:
    return message(2, b"\x09" + value + unsigned(2, time_ms))


def version_1(points: Sequence[Point], time_ms: int) -> bytes:
    """A ``WriteRequest``."""
    return b"".join([message(1, _labels(point.labels) + _sample(point.value, time_ms)) for point in points])


@lru_cache(1 << 17)
def _labels(labels: Labels) -> bytes:
    return b"".join([label(_utf8(name), _utf8(value)) for name, value in labels])


def version_2(points: Sequence[Point], time_ms: int) -> bytes:
    """A ``io.prometheus.write.v2.Request``: texts stand once in it, and each series tells its type, unit and help."""
    symbols: dict[str, int] = {"": 0}

    def ref(text: str) -> int:
        return symbols.setdefault(text, len(symbols))

    def series(point: Point) -> bytes:
        refs = b"".join([varint(ref(text)) for pair in point.labels for text in pair])
        metric = point.metric
        about = unsigned(1, _TYPES.get(metric.type, 0)) + unsigned(3, ref(metric.help)) + unsigned(4, ref(metric.unit))
        return message(5, message(1, refs) + _sample(point.value, time_ms) + message(5, about))

    found = b"".join([series(point) for point in points])
    return b"".join([message(4, _utf8(symbol)) for symbol in symbols]) + found


_TYPES = {COUNTER: 1, GAUGE: 2, HISTOGRAM: 3}


class Version(NamedTuple):
    """A version of the protocol: how a request is written, and the fields of its header."""

    write: Callable[[Sequence[Point], int], bytes]
    fields: tuple[str, ...]


VERSIONS = {
    "1.0": Version(
        version_1,
        (
            "Content-Type: application/x-protobuf",
            "Content-Encoding: snappy",
            "X-Prometheus-Remote-Write-Version: 0.1.0",
        ),
    ),
    "2.0": Version(
        version_2,
        (
            "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request",
            "Content-Encoding: snappy",
            "X-Prometheus-Remote-Write-Version: 2.0.0",
        ),
    ),
}


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
