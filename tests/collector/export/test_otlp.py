"""OTLP says what is shown, in the JSON that opentelemetry-proto has for it."""

import asyncio
import gzip
import json
import math

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from tests.collector.export.test_protobuf import DURATIONS, column
from tests.collector.export.test_text import HOSTILE, VALUES, shown
from tocsin_collector.export.exposition import Column
from tocsin_collector.export.otlp import _packed, export_request, taken
from tocsin_collector.export.outbox import Request
from tocsin_collector.fleet.scrape import Answer
from tocsin_schema.catalogue import catalogue
from tocsin_schema.latency import BOUNDS_S
from tocsin_schema.native import ZERO_S

NOW_NS = 1_790_000_000_123_000_000
RESOURCE = {"service.name": "tocsin-collector", "service.instance.id": "here:10301"}


def told(*columns, flags=0):
    families = [(catalogue()[each.name], [("owner", each)]) for each in columns]
    document = json.loads(gzip.decompress(_packed(families, RESOURCE, NOW_NS, flags)))
    (resource,) = document["resourceMetrics"]
    assert texts(resource["resource"]["attributes"]) == RESOURCE
    (scope,) = resource["scopeMetrics"]
    return scope["metrics"]


def texts(attributes):
    return {each["key"]: each["value"]["stringValue"] for each in attributes}


@given(st.dictionaries(HOSTILE.map(shown), VALUES, min_size=1, max_size=5))
def test_any_label_and_any_number_arrive(features):
    of = {"project": "shop", "model": ""}
    new = Column("tocsin_feature_new_ratio", of, ("feature",), [(name,) for name in features], [*features.values()])
    (metric,) = told(new)
    assert (metric["name"], metric["unit"]) == ("tocsin_feature_new_ratio", "1")
    for point, (name, value) in zip(metric["gauge"]["dataPoints"], features.items(), strict=True):
        assert texts(point["attributes"]) == {"project": "shop", **({"feature": name} if name else {})}
        assert point["timeUnixNano"] == str(NOW_NS)
        found = float(point["asDouble"])
        assert repr(found) == repr(float(value))
        assert isinstance(point["asDouble"], str) != math.isfinite(found)


def test_a_counter_is_a_cumulative_sum_and_a_score_has_no_unit():
    counter, score = told(
        Column("tocsin_journal_bytes_total", {}, (), [()], [3]),
        Column("tocsin_feature_drift_score", {}, (), [()], [0.5]),
    )
    assert counter["unit"] == "By"
    assert (counter["sum"]["isMonotonic"], counter["sum"]["aggregationTemporality"]) == (True, 2)
    assert counter["sum"]["dataPoints"][0]["asDouble"] == 3
    assert score["unit"] == "", "Prometheus would call it a ratio"


@given(DURATIONS)
def test_the_buckets_of_a_histogram_hold_every_duration(durations):
    (metric,) = told(column(durations))
    assert metric["unit"] == "s"
    points = metric["exponentialHistogram"]["dataPoints"]
    for point, seconds in zip(points, durations.values(), strict=True):
        counts = [int(count) for count in point["positive"]["bucketCounts"]]
        assert (int(point["count"]), point["sum"]) == (len(seconds), pytest.approx(sum(seconds)))
        assert int(point["zeroCount"]) == sum(each <= ZERO_S for each in seconds)
        assert sum(counts) + int(point["zeroCount"]) == len(seconds)
        base = 2 ** (2.0 ** -point["scale"])
        for number, count in enumerate(counts):
            low, high = (base ** (point["positive"]["offset"] + number + more) for more in (0, 1))
            # A bound of the layout is a power of the base, but for the last digit.
            inside = [each for each in seconds if low * 1.000001 < each <= high * 1.000001 and each <= BOUNDS_S[-1]]
            assert count == len(inside) or high > BOUNDS_S[-1]


@pytest.mark.parametrize("flags", [0, 1])
def test_the_official_classes_read_it(flags):
    new = Column("tocsin_feature_new_ratio", {}, ("feature",), [("x",), ("\ud800",), ("",)], [math.nan, math.inf, -0.0])
    every = [new, Column("tocsin_journal_bytes_total", {}, (), [()], [2**60]), column({"a": [0.0, 0.1, 1e9]})]
    families = [(catalogue()[each.name], [("owner", each)]) for each in every]
    read = json_format.Parse(gzip.decompress(_packed(families, RESOURCE, NOW_NS, flags)), ExportMetricsServiceRequest())
    ratio, count, seconds = read.resource_metrics[0].scope_metrics[0].metrics
    assert [repr(point.as_double) for point in ratio.gauge.data_points] == ["nan", "inf", "-0.0"]
    assert count.sum.data_points[0].as_double == 2**60
    (point,) = seconds.exponential_histogram.data_points
    assert (point.count, point.zero_count + sum(point.positive.bucket_counts), point.flags) == (3, 3, flags)


def test_the_end_of_every_series_is_told_by_a_flag():
    (metric,) = told(Column("tocsin_window_rows", {}, (), [()], [3]), flags=1)
    assert metric["gauge"]["dataPoints"][0]["flags"] == 1


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, "{}", 5),
        (200, "", 5),
        (200, '{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"old"}}', 3),
        (200, '{"partialSuccess":{"rejectedDataPoints":2}}', 3),
        (200, '{"partialSuccess":{}}', 5),
        (204, "\x08\x02 in protobuf", 5),
        (200, '{"partialSuccess":{"rejectedDataPoints":"many"}}', 5),
        (200, "[" * 9_999, 5),
        (400, '{"code":3,"message":"bad"}', 0),
        (404, "", 0),
    ],
)
def test_what_the_receiver_has_taken(status, body, expected):
    assert taken(Request(b"", (), 5), Answer(status, {}, body)) == expected


def test_the_push_goes_through_the_outbox():
    from tests.collector.exposed import BUDGET
    from tocsin_collector.export.metrics import Metrics
    from tocsin_collector.export.otlp import Otlp
    from tocsin_collector.servers.ask import Access

    async def run():
        bodies = []

        async def serve(reader, writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length: ")[1].split("\r\n")[0])
            bodies.append(json.loads(gzip.decompress(await reader.readexactly(length))))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/metrics"
        shown = Metrics(list, lambda: [Column("tocsin_window_rows", {}, (), [()], [3])], BUDGET)
        push = Otlp(shown, Access("otlp", url), RESOURCE, clock=lambda: NOW_NS / 1e9)
        task = asyncio.create_task(push.run(60))
        async with asyncio.timeout(10):
            while not bodies:
                await push.outbox.emptied()
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        server.close()
        return bodies, [(sample.labels, sample.value) for sample in push.samples() if "samples" in sample.name]

    bodies, counted = asyncio.run(run())
    assert len(bodies) == 2, "a beat and the end"
    assert counted[0] == ({"to": "otlp", "outcome": "sent"}, 2)


def test_an_empty_exposition_is_a_request_too():
    assert export_request([], RESOURCE, NOW_NS, 0)["resourceMetrics"][0]["scopeMetrics"][0]["metrics"] == []
