"""CloudEvents through the real server: the official SDK's three modes, and what model servers' loggers send."""

import base64
import json
from typing import Any

import pytest
from cloudevents.v1.conversion import to_binary, to_json, to_structured
from cloudevents.v1.http import CloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import made
from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.ingest.form import Given
from tocsin_collector.ingest.forms.cloudevents import BATCH, EXAMPLE, STRUCTURED, parse_batch
from tocsin_collector.ingest.pairs import MAX_BYTES, PATIENCE_US, Half, Pairs

EVENT = {"type": "prediction", "model": "credit", "prediction": "yes", "features": {"age": 41}}
ATTRIBUTES = {"type": "tocsin.prediction", "source": "/shop", "id": "a1", "time": "2026-11-18T10:00:00Z"}
# Type, attributes and bodies as KServe's payload logger sends them (its sample of a sklearn model).
KSERVE = {
    "ce-specversion": "1.0",
    "ce-id": "0009174a-24a8-4603-b098-09c8799950e9",
    "ce-source": "http://localhost:9081/",
    "ce-time": "2021-04-10T00:23:26.0789529Z",
    "ce-inferenceservicename": "sklearn-iris",
    "ce-namespace": "default",
    "ce-component": "predictor",
    "ce-endpoint": "",
    "ce-traceparent": "00-90bdf848647d50283394155d2df58f19-84dacdfdf07cadfc-00",
}
REQUEST, RESPONSE = "org.kubeflow.serving.inference.request", "org.kubeflow.serving.inference.response"
V1 = ({"instances": [[6.8, 2.8, 4.8, 1.4], [6.0, 3.4, 4.5, 1.6]]}, {"predictions": [1, 1]})


def half(kind: str, data: object, **more: str) -> dict[str, Any]:
    """One CloudEvent of an inference, structured."""
    attributes = {name[3:]: value for name, value in KSERVE.items()}
    return attributes | {"type": kind, "datacontenttype": "application/json", "data": data} | more


def paired(request: object, response: object, **more: str) -> list[dict[str, object]]:
    """The rows that a pair becomes, each column's value by its name."""
    batch = [half(REQUEST, request, **more), half(RESPONSE, response, **more)]
    found = parse_batch(json.dumps(batch).encode(), Given({}, {}, 7, 1 << 20, Pairs()))
    assert not found.rejected, found.rejected
    return [
        {name: column.to_list()[row] for name, column in block.columns.items()}
        for block in made(found.blocks)
        for row in range(block.rows)
    ]


def code_of(request: object, response: object) -> str:
    batch = [half(REQUEST, request), half(RESPONSE, response)]
    (rejection,) = parse_batch(json.dumps(batch).encode(), Given({}, {}, 7, 1 << 20, Pairs())).rejected
    return rejection.code


def test_each_mode_of_the_official_sdk_is_taken_and_all_say_the_same(collector: Collector) -> None:
    event = CloudEvent(ATTRIBUTES, EVENT)
    headers, body = to_structured(event)
    assert collector.post(body, headers["content-type"])[1]["accepted"] == 1
    headers, body = to_binary(event)
    assert collector.post(body, "application/json", **headers)[1]["duplicate"] == 1
    assert collector.post(b"[" + to_json(event) + b"]", BATCH)[1]["duplicate"] == 1
    frame, _ = collector.applied[0]
    assert (list(frame.ids), frame.time_us.tolist()) == (["a1"], [1_794_996_000_000_000])


def test_an_id_and_a_time_of_the_data_go_before_those_of_the_envelope(collector: Collector) -> None:
    body = EXAMPLE | {"data": EVENT | {"id": "own", "time": "2026-11-18T09:00:00Z"}}
    assert collector.post(json.dumps(body).encode(), STRUCTURED)[1]["accepted"] == 1
    assert list(collector.applied[0][0].ids) == ["own"]


def test_data_may_be_base64(collector: Collector) -> None:
    body = {name: value for name, value in EXAMPLE.items() if name != "data"}
    body["data_base64"] = base64.b64encode(json.dumps(EVENT).encode()).decode()
    assert collector.post(json.dumps(body).encode(), STRUCTURED)[1]["accepted"] == 1


def test_good_events_of_a_bad_batch_are_kept(collector: Collector) -> None:
    batch = [EXAMPLE, 17, EXAMPLE | {"id": ""}, EXAMPLE | {"id": "b", "data": {"type": "x"}}, EXAMPLE | {"id": "c"}]
    status, answer = collector.post(json.dumps(batch).encode(), BATCH)
    assert (status, answer["accepted"]) == (200, 2)
    assert [(item["row"], item["code"]) for item in answer["rejected"]] == [
        (1, "malformed_cloudevent"),
        (2, "malformed_cloudevent"),
        (3, "unknown_type"),
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_kserves_two_posts_become_predictions(collector: Collector, order: tuple[int, int]) -> None:
    posts = [(REQUEST, V1[0]), (RESPONSE, V1[1])]
    answers = []
    for number in order:
        kind, data = posts[number]
        body = json.dumps(data).encode()
        answers.append(collector.post(body, "application/json", **KSERVE | {"ce-type": kind}))
    assert [(status, answer["accepted"]) for status, answer in answers] == [(200, 0), (200, 2)]
    frame, _ = collector.applied[0]
    assert frame.key == ("default", "sklearn-iris", "")
    assert list(frame.ids) == [KSERVE["ce-id"] + "/0", KSERVE["ce-id"] + "/1"]
    assert {name: values.data.tolist() for name, values in frame.columns.items() if values.kind == "number"} == {
        "feature.x0": [6.8, 6.0], "feature.x1": [2.8, 3.4], "feature.x2": [4.8, 4.5], "feature.x3": [1.4, 1.6],
        "prediction": [1.0, 1.0],
    }  # fmt: skip


def test_seldons_halves_have_ids_of_their_own_and_a_request_in_common() -> None:
    names = {"requestid": "r1", "inferenceservicename": "dep", "namespace": "shop", "endpoint": "main"}
    batch = [
        half("io.seldon.serving.inference.request", {"data": {"names": ["age"], "ndarray": [[41.0]]}}, id="1", **names),
        half(
            "io.seldon.serving.inference.response",
            {"data": {"names": ["no", "yes"], "tensor": {"shape": [1, 2], "values": [0.2, 0.8]}}},
            id="2",
            **names,
        ),
    ]
    found = parse_batch(json.dumps(batch).encode(), Given({}, {}, 7, 1 << 20, Pairs()))
    (block,) = made(found.blocks)
    assert (block.project, block.model) == ("shop", "dep")
    assert {name: column.to_list()[0] for name, column in block.columns.items() if name != "time"} == {
        "id": "r1", "feature.age": 41.0, "prediction": "yes", "score.no": 0.2, "score.yes": 0.8,
        "segment.component": "predictor", "segment.endpoint": "main",
    }  # fmt: skip


def test_tensors_of_the_open_inference_protocol() -> None:
    request = {
        "inputs": [
            {"name": "age", "shape": [2], "datatype": "INT64", "data": [41, 7]},
            {"name": "pixel", "shape": [2, 2], "datatype": "FP32", "data": [[1.5, 2.5], [3.5, None]]},
            {"name": "city", "shape": [2, 1], "datatype": "BYTES", "data": ["Lyon", "Aix"]},
        ]
    }
    response = {
        "model_name": "inner",
        "model_version": "3",
        "outputs": [
            {"name": "predict", "shape": [2, 1], "datatype": "INT64", "data": [1, 0]},
            {"name": "predict_proba", "shape": [2, 2], "datatype": "FP64", "data": [0.1, 0.9, 0.8, 0.2]},
        ],
    }
    first, second = paired(request, response)
    assert {name: value for name, value in first.items() if name.startswith(("f", "p", "sc"))} == {
        "feature.age": 41, "feature.pixel.0": 1.5, "feature.pixel.1": 2.5, "feature.city": "Lyon",
        "prediction": "1", "score.0": 0.1, "score.1": 0.9,
    }  # fmt: skip
    assert (second["feature.pixel.1"], second["prediction"]) == (None, "0")


@pytest.mark.parametrize(
    ("request_", "response", "code"),
    [
        ({"instances": [[1]]}, {"predictions": [1, 2]}, "unequal_rows"),
        ({"instances": [[[1]]]}, {"predictions": [1]}, "unknown_payload"),
        ({"instances": 3}, {"predictions": [1]}, "unknown_payload"),
        ({"instances": [[1]]}, {"error": "x"}, "unknown_payload"),
        ({"instances": [[1]]}, {"predictions": [[3.5, 4.5]]}, "unknown_payload"),
        ({"instances": [[1]]}, {"predictions": [[10**400, 1]]}, "unknown_payload"),
        ({"instances": [[1]]}, {"predictions": [{"a": 1}]}, "unknown_payload"),
        ({"instances": [[1]]}, [], "unknown_payload"),
        ({"prompt": "hello"}, {"choices": []}, "unknown_payload"),
        ({"strData": "x"}, {"predictions": [1]}, "unknown_payload"),
        (
            {"inputs": [{"name": "x", "shape": [1, 2, 2], "data": [1, 2, 3, 4]}]},
            {"predictions": [1]},
            "unknown_payload",
        ),
        ({"inputs": [{"name": "x", "shape": [2], "data": [[1], 2]}]}, {"predictions": [1, 2]}, "out_of_range"),
        ({"inputs": [{"name": "x", "shape": [9], "data": [1]}]}, {"predictions": [1]}, "unequal_rows"),
        ({"inputs": [{"name": "x", "shape": [1], "parameters": {"binary_data_size": 4}}]}, {}, "unknown_payload"),
        ({"inputs": [{"shape": [1], "data": [1]}]}, {}, "unknown_payload"),
        ({"inputs": [{"name": "x", "shape": ["1"], "data": [1]}]}, {}, "unknown_payload"),
        ({"instances": [[0] * 1_001]}, {"predictions": [1]}, "too_many_fields"),
    ],
)
def test_what_has_no_row_of_features_says_so(request_: object, response: object, code: str) -> None:
    assert code_of(request_, response) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"specversion": "2.0"}, "malformed_cloudevent"),
        ({"type": None}, "malformed_cloudevent"),
        ({"source": 7}, "malformed_cloudevent"),
        ({"datacontenttype": "application/protobuf"}, "unknown_payload"),
        ({"data": [1]}, "wrong_type"),
        ({"data_base64": "?"}, "malformed_cloudevent"),
        ({"data_base64": 7}, "malformed_cloudevent"),
        ({"data_base64": base64.b64encode(b"{").decode()}, "malformed_json"),
        ({"time": "yesterday"}, "bad_time"),
    ],
)
def test_what_is_no_cloudevent_is_refused(collector: Collector, change: dict[str, object], code: str) -> None:
    status, answer = collector.post(json.dumps(EXAMPLE | change).encode(), STRUCTURED)
    assert (status, answer["rejected"][0]["code"]) == (400, code)


def test_a_large_half_is_refused() -> None:
    batch = [half(REQUEST, {"instances": ["x" * 1_048_000]}), EXAMPLE]
    assert parse_batch(json.dumps(batch * 2).encode(), Given({}, {}, 7, 1, Pairs())).rejected == []
    batch[0]["data"]["instances"] *= 2
    (rejection,) = parse_batch(json.dumps(batch).encode(), Given({}, {}, 7, 1, Pairs())).rejected
    assert rejection.code == "too_large"


def test_a_half_that_waits_in_vain_is_given_up_and_counted(collector: Collector) -> None:
    assert collector.post(json.dumps(half(REQUEST, V1[0])).encode(), STRUCTURED)[1]["accepted"] == 0
    collector.clock += PATIENCE_US / 1e6 + 1
    collector.post(json.dumps(half(REQUEST, V1[0], id="other")).encode(), STRUCTURED)
    assert collector.counted("tocsin_events_rejected_total") == {"no_other_half": 1}


def test_the_same_half_again_waits_on_and_what_waits_is_bounded() -> None:
    pairs = Pairs()
    first = Half(True, {}, b"{}")
    assert pairs.match(("a",), first, 0) is None
    assert pairs.match(("a",), first, 1) is None
    assert pairs.match(("a",), Half(False, {}, b"{}"), 2) == first
    assert pairs.match(("a",), Half(False, {}, b"{}"), 3) is None
    for number in range(40):
        pairs.match((str(number),), Half(True, {}, bytes(MAX_BYTES // 10)), 4)
    assert pairs.lost() > 25
    assert pairs._bytes <= MAX_BYTES * 1.2


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["instances", "inputs", "outputs", "predictions", "data", "ndarray", "tensor", "names",
                         "name", "shape", "values", "model_name"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(_JSON, _JSON)
def test_no_payload_raises_anything_but_a_refusal(request_: object, response: object) -> None:
    for data in (
        (request_, response),
        ({"inputs": request_}, {"outputs": response}),
        ({"instances": request_}, {"predictions": response}),
    ):
        batch = [half(REQUEST, data[0]), half(RESPONSE, data[1])]
        try:
            parse_batch(json.dumps(batch).encode(), Given({}, {}, 7, 1 << 20, Pairs()))
        except Refusal as refusal:
            assert refusal.status == 400  # noqa: PT017
