"""Protobuf's wire format, and those parts of Prometheus' messages (``metrics.proto``) that all write alike."""

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_schema.native import Native

VARINT, FIXED64, BYTES = 0, 1, 2
"""The wire types (protobuf.dev/programming-guides/encoding)."""
COUNTER, GAUGE, SUMMARY, UNTYPED, HISTOGRAM = 0, 1, 2, 3, 4
"""MetricType."""
VALUE_FIELD = {COUNTER: 3, GAUGE: 2, UNTYPED: 5}
"""The field of Metric that holds a plain value."""


def varint(value: int) -> bytes:
    """A number of up to 64 bits, seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def unsigned(field: int, value: int) -> bytes:
    """A field of type uint32, uint64 or enum."""
    return varint(field << 3 | VARINT) + varint(value)


def signed(field: int, value: int) -> bytes:
    """A field of type sint32 or sint64: 0, -1, 1, -2 are written as 0, 1, 2, 3."""
    return unsigned(field, value << 1 if value >= 0 else ~(value << 1))


def double(field: int, value: float) -> bytes:
    """A field of type double."""
    return varint(field << 3 | FIXED64) + struct.pack("<d", value)


def message(field: int, content: bytes) -> bytes:
    """A field that is a message, a text or bytes."""
    return varint(field << 3 | BYTES) + varint(len(content)) + content


def family(name: bytes, help: bytes, type: int) -> bytes:
    """The fields of MetricFamily before its metrics."""
    return message(1, name) + message(2, help) + unsigned(3, type)


def label(name: bytes, value: bytes) -> bytes:
    """A label as a field of Metric."""
    return message(1, message(1, name) + message(2, value))


def plain(labels: bytes, type: int) -> bytes:
    """A Metric with a plain value, as a field of MetricFamily, up to the eight bytes of the value."""
    size = varint(len(labels) + 11)  # its labels, and a message of 9 bytes behind 2
    return varint(4 << 3 | BYTES) + size + labels + varint(VALUE_FIELD[type] << 3 | BYTES) + b"\x09\x09"


def bucket(cumulative: int, le: float) -> bytes:
    """A classic bucket as a field of Histogram."""
    return message(3, unsigned(1, cumulative) + double(2, le))


def native(found: "Native", zero_s: float) -> bytes:
    """Native buckets as fields of Histogram; what is at most ``zero_s`` is in the zero bucket."""
    parts = [signed(5, found.schema), double(6, zero_s), unsigned(7, found.zeros)]
    parts += [message(12, signed(1, gap) + unsigned(2, length)) for gap, length in found.spans]
    return b"".join([*parts, *[signed(13, delta) for delta in found.deltas]])
