"""CloudEvents without what they need, and inferences that are no predictions."""

import base64
from collections.abc import Iterator
from typing import Any

from tests.collector.ingest.bad.case import NOW, Case, event, text
from tocsin_collector.ingest.forms.cloudevents import BATCH, STRUCTURED

_GOOD: dict[str, Any] = {"specversion": "1.0", "id": "a", "source": "/s", "type": "t", "time": NOW, "data": event()}
_NO_DATA = {name: value for name, value in _GOOD.items() if name != "data"}


def cases() -> Iterator[Case]:
    """Every case of this file."""
    for attribute in ("specversion", "id", "source", "type"):
        for name, value in (("null", None), ("a number", 1), ("empty", ""), ("a list", []), ("an object", {})):
            body = text(_GOOD | {attribute: value})
            yield Case(f"cloudevents: {attribute} is {name}", body, STRUCTURED, "malformed_cloudevent")
        missing = {name: value for name, value in _GOOD.items() if name != attribute}
        yield Case(f"cloudevents: no {attribute}", text(missing), STRUCTURED, "malformed_cloudevent")
    for name, body, code in (
        ("version 2.0", _GOOD | {"specversion": "2.0"}, "malformed_cloudevent"),
        ("no data", _NO_DATA, "malformed_cloudevent"),
        ("data that is a text", _GOOD | {"data": "x"}, "wrong_type"),
        ("data that is a list", _GOOD | {"data": [event()]}, "wrong_type"),
        ("data that is null", _GOOD | {"data": None}, "wrong_type"),
        ("XML data", _GOOD | {"datacontenttype": "application/xml"}, "unknown_payload"),
        ("protobuf data", _GOOD | {"datacontenttype": "application/protobuf"}, "unknown_payload"),
        ("base64 that is none", _NO_DATA | {"data_base64": "???"}, "malformed_cloudevent"),
        ("base64 of a number", _NO_DATA | {"data_base64": 1}, "malformed_cloudevent"),
        ("base64 of no JSON", _NO_DATA | {"data_base64": base64.b64encode(b"{").decode()}, "malformed_json"),
        ("base64 of no UTF-8", _NO_DATA | {"data_base64": base64.b64encode(b"\xff").decode()}, "malformed_json"),
        ("data_bytes in JSON", _NO_DATA | {"data_bytes": "x"}, "malformed_cloudevent"),
        ("a time that is none", _GOOD | {"time": "x"}, "bad_time"),
        ("an event of no type", _GOOD | {"data": {}}, "unknown_type"),
        ("a list", [_GOOD], "malformed_cloudevent"),
        ("a number", 1, "malformed_cloudevent"),
    ):
        yield Case(f"cloudevents: {name}", text(body), STRUCTURED, code)
    yield Case("cloudevents: nothing", b"", STRUCTURED, "malformed_json")
    yield Case("cloudevents: half", text(_GOOD)[:-9], STRUCTURED, "malformed_json")
    yield Case("cloudevents: too deep", b'{"data":' * 40_000, STRUCTURED, "too_deep")
    yield Case("cloudevents: an object as a batch", text(_GOOD), BATCH, "malformed_cloudevent")
    yield Case("cloudevents: an empty batch", b"[]", BATCH, "no_events")
    yield Case("cloudevents: a batch of 20,001", b"[" + b"1," * 20_000 + b"1]", BATCH, "too_many_events", 413)
    batch = [_GOOD | {"data": event(id="good 1")}, 7, _GOOD | {"data": event(id="good 2")}]
    yield Case("cloudevents: a bad event in a batch", text(batch), BATCH, "malformed_cloudevent", 200, accepted=2)
    yield from _binary()
    yield from _inferences()


def _binary() -> Iterator[Case]:
    headers = {"ce-specversion": "1.0", "ce-id": "a", "ce-source": "/s", "ce-type": "t"}
    for missing in ("ce-id", "ce-source", "ce-type"):
        some = {name: value for name, value in headers.items() if name != missing}
        body = text(event())
        yield Case(f"cloudevents: no header {missing}", body, "application/json", "malformed_cloudevent", headers=some)
    for name, body, media_type, code in (
        ("nothing", b"", "application/json", "malformed_json"),
        ("no UTF-8", b"\xff", "application/json", "malformed_json"),
        ("a list", b"[]", "application/json", "wrong_type"),
        ("text", b"x", "text/plain", "unknown_payload"),
        ("protobuf", b"\x0a\x00", "application/x-protobuf", "unknown_payload"),
    ):
        yield Case(f"cloudevents: {name} in binary mode", body, media_type, code, headers=headers)
    odd = headers | {"ce-id": "%ff%"}
    yield Case(
        "cloudevents: a header with broken percent signs", b"{}", "application/json", "unknown_type", headers=odd
    )


def _inferences() -> Iterator[Case]:
    one = {"predictions": [1]}
    tensor = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}
    for name, request, response, code in (
        ("more answers than rows", {"instances": [[1]]}, {"predictions": [1, 2]}, "unequal_rows"),
        ("fewer answers than rows", {"instances": [[1], [2]]}, one, "unequal_rows"),
        ("an image", {"instances": [[[1, 2], [3, 4]]]}, one, "unknown_payload"),
        ("instances that are a text", {"instances": "x"}, one, "unknown_payload"),
        ("a row of texts in lists", {"instances": [[["x"]]]}, one, "unknown_payload"),
        ("1,001 features", {"instances": [[0] * 1_001]}, one, "too_many_fields"),
        ("a prompt", {"prompt": "hello"}, {"choices": []}, "unknown_payload"),
        ("chat", {"messages": [{"role": "user", "content": "x"}]}, {"choices": []}, "unknown_payload"),
        ("an error for an answer", {"instances": [[1]]}, {"error": "x"}, "unknown_payload"),
        ("a list for an answer", {"instances": [[1]]}, [1], "unknown_payload"),
        ("null for an answer", {"instances": [[1]]}, None, "unknown_payload"),
        ("outputs that are no probabilities", {"instances": [[1]]}, {"predictions": [[3, 4]]}, "unknown_payload"),
        ("probabilities that sum to 2", {"instances": [[1]]}, {"predictions": [[1.0, 1.0]]}, "unknown_payload"),
        ("a prediction that is an object", {"instances": [[1]]}, {"predictions": [{"x": 1}]}, "unknown_payload"),
        ("a prediction that is null", {"instances": [[1]]}, {"predictions": [None]}, "missing_field"),
        ("a prediction of 400 digits", {"instances": [[1]]}, {"predictions": [10**400]}, "out_of_range"),
        ("a feature that is an object", {"instances": [{"x": {}}]}, one, "wrong_type"),
        ("a tensor without a name", {"inputs": [{**tensor, "name": None}]}, one, "unknown_payload"),
        ("a tensor without a shape", {"inputs": [{**tensor, "shape": None}]}, one, "unknown_payload"),
        ("a tensor without data", {"inputs": [{**tensor, "data": None}]}, one, "unknown_payload"),
        ("a scalar tensor", {"inputs": [{**tensor, "shape": []}]}, one, "unknown_payload"),
        ("a tensor of three dimensions", {"inputs": [{**tensor, "shape": [1, 1, 1]}]}, one, "unknown_payload"),
        ("a negative shape", {"inputs": [{**tensor, "shape": [-1, -1]}]}, one, "unequal_rows"),
        ("a shape of 10^30", {"inputs": [{**tensor, "shape": [10**30]}]}, one, "unequal_rows"),
        ("a shape of truths", {"inputs": [{**tensor, "shape": [True]}]}, one, "unknown_payload"),
        ("a shape that does not fit", {"inputs": [{**tensor, "shape": [2]}]}, one, "unequal_rows"),
        ("data of mixed depth", {"inputs": [{**tensor, "shape": [1], "data": [[1], 1]}]}, one, "unequal_rows"),
        ("tensors of unlike rows", {"inputs": [tensor, {**tensor, "shape": [2], "data": [1, 2]}]}, one, "unequal_rows"),
        ("no tensor", {"inputs": []}, one, "unequal_rows"),
        ("two outputs of one value", {"inputs": [tensor]}, {"outputs": [tensor, tensor]}, "unknown_payload"),
        ("no output", {"inputs": [tensor]}, {"outputs": []}, "unknown_payload"),
        ("Seldon's texts", {"strData": "x"}, one, "unknown_payload"),
        ("Seldon's data that is a list", {"data": []}, one, "unknown_payload"),
        ("Seldon's tensor without values", {"data": {"tensor": {"shape": [1, 1]}}}, one, "unknown_payload"),
    ):
        halves = [
            _GOOD
            | {"id": name, "type": f"org.kubeflow.serving.inference.{kind}", "inferenceservicename": "m", "data": data}
            for kind, data in (("request", request), ("response", response))
        ]
        yield Case(f"inference: {name}", text(halves), BATCH, code)
    large = _GOOD | {"type": "x.serving.inference.request", "data": {"instances": ["x" * 1_040_000, "y" * 9_000]}}
    yield Case("inference: a half of more than a megabyte", text(large), STRUCTURED, "too_large")
