"""The protobuf format (client_model's ``metrics.proto``); histograms have native buckets beside the classic ones."""

from struct import pack

from tocsin_collector.export.exposition import AnyColumn, Histogram, Histograms
from tocsin_collector.export.writer import Fill
from tocsin_schema import protobuf as proto
from tocsin_schema.latency import LE_S
from tocsin_schema.metric import COUNTER, GAUGE, HISTOGRAM, UNTYPED, Metric
from tocsin_schema.native import ZERO_S, native

TYPES = {COUNTER: proto.COUNTER, GAUGE: proto.GAUGE, UNTYPED: proto.UNTYPED, HISTOGRAM: proto.HISTOGRAM}


def head(metric: Metric, size: int) -> bytes:
    """What stands before a family's metrics, which have so many bytes."""
    found = proto.family(metric.name.encode(), metric.help.encode(), TYPES[metric.type])
    return proto.varint(len(found) + size) + found


def metrics(metric: Metric, column: AnyColumn) -> Fill:
    """The metrics of a column's series."""
    labels = [_labels(column, key) for key in column.keys]
    if isinstance(column, Histograms):
        return lambda column: b"".join(map(_histogram, labels, column.values))
    before = [proto.plain(each, TYPES[metric.type]).replace(b"%", b"%%") + b"%b" for each in labels]
    template = b"".join(before)
    return lambda column: template % tuple([pack("<d", value) for value in column.values])


def _labels(column: AnyColumn, key: tuple[str, ...]) -> bytes:
    pairs = [*column.labels.items(), *zip(column.by, key, strict=True)]
    return b"".join([proto.label(name.encode(), value.encode("utf-8", "replace")) for name, value in pairs])


def _histogram(labels: bytes, histogram: Histogram) -> bytes:
    parts = [proto.unsigned(1, histogram.total), proto.double(2, histogram.sum_s)]
    parts += map(proto.bucket, histogram.below(), LE_S)
    parts.append(proto.native(native(histogram.counts), ZERO_S))
    return proto.message(4, labels + proto.message(7, b"".join(parts)))
