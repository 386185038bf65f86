"""POST /v1/events on a real server: the contract, and every bad input by name."""

import gzip
import http.client
import json
import socket
import threading
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import NOW_S, block, labels, predictions
from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.form import forms_by_media_type
from tocsin_collector.ingest.forms.jsonrows import EXAMPLE
from tocsin_schema.block import MEDIA_TYPE, Block, column, encode

EVENT = {"type": "prediction", "model": "credit", "id": "a1", "prediction": "yes", "features": {"age": 41}}


def code(answer: dict[str, object]) -> str:
    (rejection,) = answer["rejected"]
    return rejection["code"]


# --- the contract ---------------------------------------------------------------------------------


def test_one_event_as_json_is_taken(collector: Collector) -> None:
    status, answer = collector.post_json(EVENT)
    assert (status, answer) == (
        200,
        {"accepted": 1, "duplicate": 0, "rejected": [], "rejected_count": 0, "position": str(collector.journal.end)},
    )
    ((frame, position),) = collector.applied
    assert (frame.type, frame.key, frame.ids, position) == ("prediction", ("default", "credit", ""), ["a1"], 0)
    assert frame.time_us.tolist() == [int(NOW_S * 1e6)]


def test_the_example_of_the_openapi_document_is_taken(collector: Collector) -> None:
    assert collector.post_json(EXAMPLE)[0] == 200


def test_a_list_and_lines_are_taken(collector: Collector) -> None:
    assert collector.post_json([EVENT | {"id": "1"}, EVENT | {"id": "2"}])[1]["accepted"] == 2
    lines = b"\n".join(json.dumps(EVENT | {"id": str(n)}).encode() for n in range(3, 6))
    assert collector.post(lines, "application/x-ndjson; charset=utf-8")[1]["accepted"] == 3


def test_a_block_is_taken(collector: Collector) -> None:
    assert collector.post_block(predictions(["a", "b"]))[1]["accepted"] == 2
    assert collector.applied[0][0].ids == ["a", "b"]


def test_a_large_block_is_taken_too(collector: Collector) -> None:
    assert collector.post_block(predictions([f"{n:032}" for n in range(9_000)]))[1]["accepted"] == 9_000


def test_gzip_is_taken_in_one_member_or_several(collector: Collector) -> None:
    assert collector.post_gzip(json.dumps(EVENT).encode())[1]["accepted"] == 1
    half = json.dumps(EVENT | {"id": "2"}).encode()
    body = gzip.compress(half[:20]) + gzip.compress(half[20:])
    assert collector.post(body, content_encoding="gzip")[1]["accepted"] == 1


def test_the_same_event_again_and_the_same_id_with_other_values(collector: Collector) -> None:
    collector.post_json(EVENT)
    assert collector.post_json(EVENT)[1]["duplicate"] == 1
    status, answer = collector.post_json(EVENT | {"prediction": "no"})
    assert (status, code(answer)) == (400, "conflict")
    status, answer = collector.post_json([EVENT | {"prediction": "no"}, EVENT | {"id": "new"}])
    assert (status, answer["accepted"], code(answer)) == (200, 1, "conflict")


def test_an_event_is_the_same_in_a_block_and_as_json(collector: Collector) -> None:
    collector.post_json(EVENT | {"project": "shop", "version": "3"})
    assert collector.post_block(predictions(["a1"]))[1]["duplicate"] == 1


def test_the_openapi_document_describes_the_endpoint(collector: Collector) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=10)
    connection.request("GET", "/openapi.json")
    document = json.loads(connection.getresponse().read())
    connection.close()
    operation = document["paths"]["/v1/events"]["post"]
    assert set(operation["requestBody"]["content"]) == set(forms_by_media_type())
    assert operation["requestBody"]["content"]["application/json"]["example"]["features"] == {"age": 41, "city": "Lyon"}


def test_everything_is_counted(collector: Collector) -> None:
    collector.post_block(predictions(["a", "b"]))
    collector.post_block(predictions(["a", "b"]))
    collector.post_block(predictions(["a", ""], sequence=2, age=42))
    collector.post_json(17)
    assert collector.counted("tocsin_events_accepted_total")["prediction"] == 2
    assert collector.counted("tocsin_events_duplicate_total")["prediction"] == 2
    assert collector.counted("tocsin_events_rejected_total") == {"missing_field": 1, "conflict": 1, "wrong_type": 1}
    assert collector.counted("tocsin_ingest_requests_total") == {"200": 2, "400": 2}
    assert collector.counted("tocsin_predictions_total") == {"shop,credit,3": 2}


# --- bad input, by name ---------------------------------------------------------------------------


@pytest.fixture
def unharmed(collector: Collector) -> Iterator[Collector]:
    """Whatever a test sends: nothing reached the windows but the good event before and the good event after it."""
    collector.post_json(EVENT | {"id": "before"})
    yield collector
    assert collector.post_json(EVENT | {"id": "after"})[1]["accepted"] == 1
    assert [frame.ids for frame, _ in collector.applied] == [["before"], ["after"]]
    assert not any(key.startswith("5") for key in collector.counted("tocsin_ingest_requests_total"))


def test_malformed_json_is_refused(unharmed: Collector) -> None:
    status, answer = unharmed.post(b'{"type": "prediction",')
    assert (status, code(answer)) == (400, "malformed_json")
    assert "line 1 column" in answer["rejected"][0]["reason"]
    assert answer["rejected"][0]["row"] is None


def test_wrong_types_are_refused(unharmed: Collector) -> None:
    status, answer = unharmed.post_json([EVENT | {"features": {"age": {}}}, EVENT | {"id": 7}, "x"])
    assert status == 400
    assert [(item["row"], item["code"]) for item in answer["rejected"]] == [
        (0, "wrong_type"),
        (1, "wrong_type"),
        (2, "wrong_type"),
    ]


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_numbers_that_are_none_are_refused(unharmed: Collector, value: bytes) -> None:
    body = b'{"type":"prediction","model":"m","id":"1","prediction":1,"features":{"age":%s}}' % value
    status, answer = unharmed.post(body)
    assert (status, code(answer)) == (400, "not_finite")


def test_nan_in_a_block_is_kept_as_a_feature_and_refused_elsewhere(collector: Collector) -> None:
    made = predictions(["a", "b"])
    made.columns["feature.age"] = column("feature.age", [float("nan"), float("inf")])
    assert collector.post_block(made)[1]["accepted"] == 2
    made.columns["score.yes"] = column("score.yes", [0.5, float("nan")])
    made.columns["id"] = column("id", ["c", "d"], "str")
    answer = collector.post_block(made)[1]
    assert (answer["accepted"], code(answer)) == (1, "not_finite")


def test_an_unknown_model_is_registered_by_its_first_event(collector: Collector) -> None:
    assert collector.post_json(EVENT | {"model": "never seen \U0001f514"})[0] == 200
    assert collector.applied[0][0].key.model == "never seen \U0001f514"


def test_a_body_of_200_mb_is_refused_by_its_length(unharmed: Collector) -> None:
    status, headers, body = unharmed.request("POST", bytes(200_000_000), MEDIA_TYPE)
    assert (status, code(json.loads(body))) == (413, "too_large")
    assert headers["connection"] is None


def test_a_body_of_200_mb_without_a_length_is_refused_while_it_comes(unharmed: Collector) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", unharmed.port, timeout=20)
    chunks = (bytes(1_000_000) for _ in range(200))
    connection.request("POST", "/v1/events", chunks, {"content-type": MEDIA_TYPE}, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, code(json.loads(response.read()))) == (413, "too_large")
    connection.close()


def test_a_gzip_bomb_is_refused(unharmed: Collector) -> None:
    bomb = gzip.compress(bytes(100_000_000))
    assert len(bomb) < unharmed.limits.max_body_bytes
    status, answer = unharmed.post(bomb, MEDIA_TYPE, content_encoding="gzip")
    assert (status, code(answer)) == (413, "too_large")


def test_a_gzip_bomb_of_many_members_is_refused(unharmed: Collector) -> None:
    status, answer = unharmed.post(gzip.compress(bytes(100_000)) * 50, MEDIA_TYPE, content_encoding="gzip")
    assert (status, code(answer)) == (413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{}", mtime=0)[:-4],
        gzip.compress(b"{}", mtime=0) + b"junk",
        zlib.compress(b"{}"),
    ],
)
def test_broken_gzip_is_refused(unharmed: Collector, body: bytes) -> None:
    status, answer = unharmed.post(body, content_encoding="gzip")
    assert (status, code(answer)) == (400, "malformed_gzip")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"features":'])
def test_deep_nesting_is_refused(unharmed: Collector, opening: bytes) -> None:
    status, answer = unharmed.post(opening * 50_000)
    assert (status, code(answer)) == (400, "too_deep")


@pytest.mark.parametrize(
    "media_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/xml;x=\xe9"]
)
def test_an_unknown_content_type_is_told_what_is_accepted(unharmed: Collector, media_type: str | None) -> None:
    status, answer = unharmed.post(b"{}", media_type)
    assert (status, code(answer)) == (415, "unknown_content_type")
    assert all(known in answer["rejected"][0]["reason"] for known in forms_by_media_type())


def test_an_unknown_encoding_is_refused(unharmed: Collector) -> None:
    status, answer = unharmed.post(b"{}", content_encoding="br")
    assert (status, code(answer)) == (415, "unknown_encoding")
    assert answer["rejected"][0]["reason"].startswith("content-encoding 'br': ")


def test_another_method_is_refused(unharmed: Collector) -> None:
    assert unharmed.request("GET", b"", None)[0] == 405


def test_an_empty_body_is_refused(unharmed: Collector) -> None:
    for media_type in forms_by_media_type():
        status, answer = unharmed.post(b"", media_type)
        assert (status, answer["accepted"]) == (400, 0)


def test_a_truncated_block_is_refused_at_any_length(unharmed: Collector) -> None:
    whole = encode(predictions(["a"]))
    for length in range(0, len(whole), 7):
        status, answer = unharmed.post(whole[:length], MEDIA_TYPE)
        assert (status, code(answer)) == (400, "malformed_block"), length


def test_a_block_that_came_twice_is_known(collector: Collector) -> None:
    made = predictions(["a", "b"])
    assert collector.post_block(made)[1]["accepted"] == 2
    assert collector.post_block(made) == (
        200,
        {"accepted": 0, "duplicate": 2, "rejected": [], "rejected_count": 0, "position": str(collector.journal.end)},
    )
    assert len(collector.applied) == 1


def test_a_label_for_an_unknown_id_is_kept_for_later(collector: Collector) -> None:
    assert collector.post_block(labels([("never predicted", "yes", 0)]))[1]["accepted"] == 1
    assert collector.applied[0][0].ids == ["never predicted"]


@pytest.mark.parametrize(
    ("time", "accepted"),
    [
        ("1970-01-01T00:00:00Z", 1),  # any age, until ingest.past_s bounds it: replays are old
        ("1969-12-31T23:59:59Z", 0),
        ("2100-01-01T00:00:00Z", 0),
        ("2200-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 0),
    ],
)
def test_an_event_from_another_age(collector: Collector, time: str, accepted: int) -> None:
    status, answer = collector.post_json(EVENT | {"time": time})
    assert (status, answer["accepted"]) == (200 if accepted else 400, accepted)
    if not accepted:
        assert code(answer) in ("bad_time", "too_far_ahead")


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("prediction", {"label": [1]}, "unknown_column"),
        ("prediction", {"feature.": [1]}, "unknown_column"),
        ("prediction", {"score.yes": ["high"]}, "wrong_type"),
        ("prediction", {"segment.country": [33]}, "wrong_type"),
        ("prediction", {"latency_s": [-1.0]}, "out_of_range"),
        ("prediction", {"latency_s": [float("inf")]}, "not_finite"),
        ("label", {}, "missing_field"),
        ("label", {"label": [None]}, "missing_field"),
        ("outcome", {"name": ["x"]}, "missing_field"),
        ("outcome", {"name": ["x"], "value": ["much"]}, "wrong_type"),
        ("outcome", {"name": ["x"], "value": [float("nan")]}, "not_finite"),
    ],
)
def test_columns_that_cannot_be_right(
    unharmed: Collector, kind: str, more: dict[str, list[object]], expected: str
) -> None:
    columns = [column("time", [int(NOW_S * 1e6)], "time"), column("id", ["a"], "str")]
    made = block(kind, [*columns, *(column(name, values) for name, values in more.items())])
    status, answer = unharmed.post_block(made)
    assert (status, code(answer)) == (400, expected)


def test_many_refused_rows_are_counted_and_the_first_hundred_listed(collector: Collector) -> None:
    status, answer = collector.post_json([EVENT, *([17] * 250)])
    assert (status, answer["accepted"], answer["rejected_count"], len(answer["rejected"])) == (200, 1, 250, 100)


def test_a_body_that_does_not_come_is_given_up(collector: Collector) -> None:
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        )
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"too_slow"' in answer


def test_a_client_that_goes_away_harms_nobody(unharmed: Collector) -> None:
    with socket.create_connection(("127.0.0.1", unharmed.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
        )
    assert unharmed.post(b"", "application/json")[0] == 400


def test_an_error_in_the_windows_is_no_error_for_the_sender(collector: Collector) -> None:
    collector.fail_apply = True
    assert collector.post_json(EVENT)[0] == 200
    assert collector.counted("tocsin_ingest_apply_errors_total") == {"": 1}
    assert collector.post_json(EVENT)[1]["duplicate"] == 1


def test_equal_requests_of_many_clients_count_once(collector: Collector) -> None:
    answers: list[int] = []
    made = predictions([str(n) for n in range(50)])

    def send() -> None:
        answers.append(collector.post_block(made)[1]["accepted"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [0] * 7 + [50]
    assert collector.counted("tocsin_predictions_total") == {"shop,credit,3": 50}


def test_a_full_disk_answers_503_and_when_to_come_back(collector: Collector) -> None:
    collector.journal.close()  # to the endpoint any failure of the journal looks the same
    status, headers, body = collector.request("POST", json.dumps(EVENT).encode(), "application/json")
    assert (status, headers["retry-after"], code(json.loads(body))) == (503, "5", "journal_failed")


# --- mutations ------------------------------------------------------------------------------------


def small() -> Block:
    made = predictions(["a", "b"])
    made.columns["feature.city"] = column("feature.city", ["Lyon", "Lyon"], "dict")
    made.columns["feature.name"] = column("feature.name", ["é", None], "str")
    made.columns["feature.new"] = column("feature.new", [True, False])
    return made


def statuses(collector: Collector, bodies: list[bytes]) -> set[int]:
    """Send all over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=20)
    found = set()
    for body in bodies:
        connection.request("POST", "/v1/events", body, {"content-type": MEDIA_TYPE})
        response = connection.getresponse()
        json.loads(response.read())
        found.add(response.status)
    connection.close()
    return found


def test_a_flipped_bit_in_any_byte_never_fails_the_server(collector: Collector) -> None:
    whole = encode(small())
    bodies = []
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        bodies.append(bytes(flipped))
    assert statuses(collector, bodies) == {200, 400}
    assert statuses(collector, [encode(predictions(["z"], sequence=99))]) == {200}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 6), st.binary(max_size=6)), min_size=1, max_size=4))
def test_no_mutation_of_a_block_fails_the_server(collector: Collector, edits: list[tuple[int, int, bytes]]) -> None:
    body = encode(small())
    for at, cut, junk in edits:
        body = body[:at] + junk + body[at + cut :]
    assert statuses(collector, [body]) <= {200, 400}
