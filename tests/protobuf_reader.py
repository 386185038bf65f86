"""A decoder of client_model's messages, written from metrics.proto alone: field numbers and types in one table."""

import struct
from typing import Any

FIELDS: dict[str, dict[int, tuple[str, str]]] = {
    "MetricFamily": {
        1: ("name", "string"),
        2: ("help", "string"),
        3: ("type", "enum"),
        4: ("*metric", "Metric"),
        5: ("unit", "string"),
    },
    "Metric": {
        1: ("*label", "LabelPair"),
        2: ("gauge", "Value"),
        3: ("counter", "Value"),
        4: ("summary", "Summary"),
        5: ("untyped", "Value"),
        6: ("timestamp_ms", "int64"),
        7: ("histogram", "Histogram"),
    },
    "LabelPair": {1: ("name", "string"), 2: ("value", "string")},
    "Value": {1: ("value", "double")},
    "Summary": {1: ("sample_count", "uint64"), 2: ("sample_sum", "double"), 3: ("*quantile", "Quantile")},
    "Quantile": {1: ("quantile", "double"), 2: ("value", "double")},
    "Histogram": {
        1: ("sample_count", "uint64"),
        2: ("sample_sum", "double"),
        3: ("*bucket", "Bucket"),
        5: ("schema", "sint32"),
        6: ("zero_threshold", "double"),
        7: ("zero_count", "uint64"),
        12: ("*positive_span", "BucketSpan"),
        13: ("*positive_delta", "sint64"),
    },
    "Bucket": {1: ("cumulative_count", "uint64"), 2: ("upper_bound", "double")},
    "BucketSpan": {1: ("offset", "sint32"), 2: ("length", "uint32")},
}
WIRE = {"string": 2, "double": 1, "enum": 0, "uint64": 0, "uint32": 0, "int64": 0, "sint32": 0, "sint64": 0}
TYPES = ("counter", "gauge", "summary", "untyped", "histogram")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        assert shift <= 70, "a varint has ten bytes at most"
        if byte < 0x80:
            return value, at


def _message(kind: str, data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {name[1:]: [] for name, _ in FIELDS[kind].values() if name[0] == "*"}
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        name, type_ = FIELDS[kind][key >> 3]  # an unknown field is a fault of ours
        assert key & 7 == WIRE.get(type_, 2), f"{kind}.{name} has wire type {key & 7}"
        value: Any
        if key & 7 == 0:
            value, at = _varint(data, at)
            if type_.startswith("sint"):
                value = (value >> 1) ^ -(value & 1)
        elif key & 7 == 1:
            (value,) = struct.unpack_from("<d", data, at)
            at += 8
        else:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
            assert len(value) == length, f"{kind}.{name} is cut"
            value = value.decode() if type_ == "string" else _message(type_, value)
        if name[0] == "*":
            found[name[1:]].append(value)
        else:
            assert name not in found, f"{kind}.{name} stands twice"
            found[name] = value
    return found


def families(data: bytes) -> list[dict[str, Any]]:
    """The messages of a body, each behind its length."""
    found, at = [], 0
    while at < len(data):
        length, at = _varint(data, at)
        assert at + length <= len(data), "the last message is cut"
        found.append(_message("MetricFamily", data[at : at + length]))
        found[-1]["type"] = TYPES[found[-1]["type"]]
        at += length
    return found


def labels(metric: dict[str, Any]) -> dict[str, str]:
    """The labels of one metric."""
    found = {pair["name"]: pair["value"] for pair in metric["label"]}
    assert len(found) == len(metric["label"])
    return found


def samples(data: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample as the text format would name it."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}

    def put(name: str, own: dict[str, str], value: float) -> None:
        key = name, frozenset(own.items())
        assert key not in found
        found[key] = value

    for family in families(data):
        name, kind = family["name"], family["type"]
        for metric in family["metric"]:
            own, body = labels(metric), metric[kind]
            if kind in ("counter", "gauge", "untyped"):
                put(name, own, body["value"])
                continue
            put(f"{name}_count", own, body["sample_count"])
            put(f"{name}_sum", own, body["sample_sum"])
            for bucket in body.get("bucket", ()):
                le = bucket["upper_bound"]
                put(
                    f"{name}_bucket",
                    {**own, "le": "+Inf" if le == float("inf") else repr(le)},
                    bucket["cumulative_count"],
                )
            for quantile in body.get("quantile", ()):
                put(name, {**own, "quantile": repr(quantile["quantile"])}, quantile["value"])
    return found


def native_buckets(histogram: dict[str, Any]) -> dict[int, int]:
    """The filled buckets of a native histogram by index, as Prometheus reads spans and deltas."""
    deltas = iter(histogram["positive_delta"])
    found, index, count = {}, 0, 0
    for span in histogram["positive_span"]:
        index += span["offset"]
        for _ in range(span["length"]):
            count += next(deltas)
            found[index] = count
            index += 1
    assert not list(deltas)
    return found
