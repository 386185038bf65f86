"""OTLP's log records over a real port, by the official exporter, in JSON, and torn."""

import contextlib
import gzip
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._internal import _encode_value
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from tests.collector.ingest.served import Collector, Server
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.logs import LogStore, logs_router
from tocsin_collector.logs.otlp.fromproto import MAX_MESSAGES, MEDIA_TYPE, entries, request, too_many
from tocsin_collector.logs.otlp.route import _read

RECORD = {
    "timeUnixNano": "1386237600123456789",
    "severityNumber": 17,
    "body": {"stringValue": "two boats"},
    "attributes": [
        {"key": "http.status", "value": {"intValue": "503"}},
        {"key": "user", "value": {"kvlistValue": {"values": [{"key": "name", "value": {"stringValue": "ada"}}]}}},
        {"key": "tags", "value": {"arrayValue": {"values": [{"boolValue": True}, {"doubleValue": 0.5}]}}},
    ],
    "traceId": "5B8EFFF798038103D269B633813FC60C",
    "spanId": "EEE19B7EC3C1B174",
    "eventName": "boat.seen",
}


def document(*records: object, **resource: str) -> dict[str, object]:
    attributes = [{"key": name.replace("_", "."), "value": {"stringValue": text}} for name, text in resource.items()]
    scope = {"scope": {"name": "harbour"}, "logRecords": list(records)}
    return {"resourceLogs": [{"resource": {"attributes": attributes}, "scopeLogs": [scope]}]}


class Collecting:
    """A store behind the real route on a real port."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.store = LogStore(str(folder))
        self.port = server.port
        self.url = f"http://127.0.0.1:{server.port}/v1/logs"
        server.app = FastAPI()
        server.app.include_router(logs_router(self.store, max_body_bytes=1 << 20, clock=lambda: 1000.0))

    def post(self, body: bytes, content_type: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/logs", body, {"content-type": content_type, **headers})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def post_json(self, tree: object) -> tuple[int, object]:
        status, _, body = self.post(json.dumps(tree).encode(), "application/json")
        return status, json.loads(body)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@pytest.fixture
def collecting(tmp_path: Path, server: Server) -> Iterator[Collecting]:
    made = Collecting(tmp_path, server)
    yield made
    made.store.close()


def exporting(url: str, **resource: str) -> LoggerProvider:
    provider = LoggerProvider(Resource(resource))
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint=url, timeout=10)))
    return provider


def test_the_official_exporter_is_taken(collecting: Collecting) -> None:
    provider = exporting(collecting.url, **{"service.name": "boats", "host.name": "pier"})
    logger = provider.get_logger("harbour")
    logger.emit(
        LogRecord(
            timestamp=1_386_237_600_123_456_789,
            severity_number=SeverityNumber.WARN2,
            body={"boat": [1, "two"]},
            attributes={"depth": 3.5, "raw": b"\x00", "ratio": float("nan")},
            event_name="boat.seen",
        )
    )
    provider.shutdown()
    (row,) = collecting.store.search().rows
    assert (row.time_s, row.level, row.host, row.service) == (1_386_237_600.123456, "warning", "pier", "boats")
    assert row.message == '{"boat":[1,"two"]}'
    assert row.fields["depth"] == 3.5
    assert row.fields["ratio"] == "NaN"
    assert (row.fields["raw"], row.fields["event.action"]) == ("AA==", "boat.seen")
    assert row.fields["log.logger"] == "harbour"


def test_json_needs_no_package_and_says_the_same(collecting: Collecting) -> None:
    assert collecting.post_json(document(RECORD, service_name="boats")) == (200, {})
    (row,) = collecting.store.search().rows
    assert (row.message, row.level, row.service) == ("two boats", "error", "boats")
    assert {name: row.fields[name] for name in ("http.status", "user.name", "tags", "trace.id", "span.id")} == {
        "http.status": 503, "user.name": "ada", "tags": [True, 0.5],
        "trace.id": "5b8efff798038103d269b633813fc60c", "span.id": "eee19b7ec3c1b174",
    }  # fmt: skip


def test_a_batch_that_is_sent_again_is_stored_once(collecting: Collecting) -> None:
    for _ in range(2):
        assert collecting.post_json(document(RECORD, RECORD))[0] == 200
    assert collecting.store.search().total == 2
    assert collecting.store.counts["duplicate"] == 2


def test_bad_records_are_a_partial_success(collecting: Collecting) -> None:
    bad = [RECORD | {"timeUnixNano": "soon"}, 17, RECORD | {"traceId": "xyz"}]
    status, answer = collecting.post_json(document(*bad, RECORD))
    assert status == 200
    assert answer == {
        "partialSuccess": {
            "rejectedLogRecords": "3",
            "errorMessage": "timeUnixNano 'soon': an integer expected",
        }
    }
    assert (collecting.store.search().total, collecting.store.counts["rejected"]) == (1, 3)


def test_a_partial_success_in_protobuf_is_read_by_the_official_classes(collecting: Collecting) -> None:
    made = ExportLogsServiceRequest()
    logs = made.resource_logs.add().scope_logs.add().log_records
    logs.add().body.string_value = "good"
    logs.add(time_unix_nano=1 << 63).body.string_value = "beyond"
    status, headers, body = collecting.post(made.SerializeToString(), MEDIA_TYPE)
    assert (status, headers["content-type"]) == (200, MEDIA_TYPE)
    partial = ExportLogsServiceResponse.FromString(body).partial_success
    assert (partial.rejected_log_records, "2199" in partial.error_message) == (1, True)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff", {}, 400),
        (b"\x0a\x05abc", {}, 400),
        (gzip.compress(b"\x0a\x00" * 2_000_000, mtime=0), {"content-encoding": "gzip"}, 413),
        (b"plain", {"content-encoding": "gzip"}, 400),
        (bytes(2 << 20), {}, 413),
    ],
)
def test_what_is_no_request_gets_a_status(
    collecting: Collecting, body: bytes, headers: dict[str, str], status: int
) -> None:
    found, told, raw = collecting.post(body, MEDIA_TYPE, **headers)
    assert (found, told["content-type"]) == (status, MEDIA_TYPE)
    assert raw[:1] == b"\x12"  # google.rpc.Status.message


def test_an_empty_request_is_a_success(collecting: Collecting) -> None:
    assert collecting.post(b"", MEDIA_TYPE)[::2] == (200, b"")


def test_a_store_that_is_away_asks_to_come_back(collecting: Collecting) -> None:
    collecting.store.close()
    made = ExportLogsServiceRequest()
    made.resource_logs.add().scope_logs.add().log_records.add().body.string_value = "x"
    status, headers, _ = collecting.post(made.SerializeToString(), MEDIA_TYPE)
    assert (status, headers["retry-after"]) == (503, "5")


def test_records_of_the_other_json_form_are_taken_as_before(collecting: Collecting) -> None:
    status, answer = collecting.post_json({"message": "resourceLogs", "x": 1})
    assert (status, answer["accepted"]) == (200, 1)


def test_messages_are_counted_before_they_are_made() -> None:
    assert not too_many(b"\x0a\x00" * MAX_MESSAGES)
    assert too_many(b"\x0a\x00" * (MAX_MESSAGES + 1))
    attributes = b"\x32\x00" * (MAX_MESSAGES + 1)
    made = ExportLogsServiceRequest()
    made.resource_logs.add().scope_logs.add()
    record = b"\x12" + _length(attributes) + attributes
    scope = b"\x12" + _length(record) + record
    assert too_many(b"\x0a" + _length(scope) + scope)


def _length(raw: bytes) -> bytes:
    value, found = len(raw), bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def test_values_nested_too_deeply_refuse_their_record_alone(collecting: Collecting) -> None:
    value: dict[str, object] = {"stringValue": "x"}
    for _ in range(40):
        value = {"arrayValue": {"values": [value]}}
    status, answer = collecting.post_json(document(RECORD | {"body": value}, RECORD))
    assert (status, collecting.store.search().total) == (200, 1)
    assert "nested deeper" in answer["partialSuccess"]["errorMessage"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 250), st.integers(0, 4), st.binary(max_size=4)), min_size=1, max_size=4))
def test_no_mutation_raises_anything_but_a_refusal(edits: list[tuple[int, int, bytes]]) -> None:
    made = ExportLogsServiceRequest()
    resource_logs = made.resource_logs.add()
    resource_logs.resource.attributes.add(key="service.name").value.string_value = "boats"
    log = resource_logs.scope_logs.add().log_records.add(time_unix_nano=10**18, trace_id=b"x" * 16)
    log.body.kvlist_value.values.add(key="a").value.array_value.values.add().int_value = 7
    body = made.SerializeToString()
    texts = json.dumps(document(RECORD)).encode()
    for at, cut, junk in edits:
        body, texts = body[:at] + junk + body[at + cut :], texts[:at] + junk + texts[at + cut :]
    with contextlib.suppress(Refusal):
        _read(body, 7, True)
    _read(texts, 7, False)
    with contextlib.suppress(Refusal):
        list(entries(request(body)))


def test_events_by_the_official_exporter_become_predictions(tmp_path: Path, server: Server) -> None:
    collector = Collector(tmp_path / "journal", server)
    try:
        provider = exporting(f"http://127.0.0.1:{collector.port}/v1/events")
        body = {"model": "credit", "id": "a1", "prediction": "yes", "features": {"age": 41, "city": "Lyon"}}
        logger = provider.get_logger("serving")
        logger.emit(LogRecord(timestamp=1_386_237_600_000_000_000, event_name="tocsin.prediction", body=body))
        logger.emit(LogRecord(body="a line"))
        provider.shutdown()
        ((frame, _),) = collector.applied
        assert (frame.type, list(frame.ids), frame.time_us.tolist()) == ("prediction", ["a1"], [1_386_237_600_000_000])
        assert collector.counted("tocsin_events_rejected_total") == {"wrong_type": 1}
    finally:
        collector.journal.close()


@pytest.mark.parametrize(
    ("nanoseconds", "more", "code"),
    [
        ((1 << 64) - 1, {}, "bad_time"),
        (7_258_118_400 * 10**9, {}, "bad_time"),
        (0, {"features": {"age": float("nan")}}, "not_finite"),
        (0, {"prediction": float("inf")}, "not_finite"),
    ],
)
def test_an_event_is_refused_for_what_no_other_form_takes(
    tmp_path: Path, server: Server, nanoseconds: int, more: dict[str, object], code: str
) -> None:
    collector = Collector(tmp_path / "journal", server)
    try:
        body = {"type": "prediction", "model": "credit", "id": "a1", "prediction": 1} | more
        made = ExportLogsServiceRequest()
        made.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=nanoseconds, body=_encode_value(body))
        status, answer = collector.post(made.SerializeToString(), MEDIA_TYPE)
        assert (status, [bad["code"] for bad in answer["rejected"]]) == (400, [code])
    finally:
        collector.journal.close()


def test_without_the_package_the_answer_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['opentelemetry.proto'] = None\n"
        "from tocsin_collector.ingest.answer import Refusal\n"
        "from tocsin_collector.logs.otlp.fromproto import request\n"
        "try: request(b'')\n"
        "except Refusal as refusal: print(refusal.status, refusal)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.endswith("pip install 'tocsin[otlp]'\n")
    assert told.stdout.startswith("415 ")
