"""A webhook's body: what Alertmanager and Grafana send is read, everything else is refused with one reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.notifications.conftest import alert, document
from tocsin_collector.ingest.answer import Refusal
from tocsin_collector.notifications.notification import MAX_ALERTS, notification

ONE = alert("HostDown", {"instance": "a"}, 1_000_000.0, summary="it is down")


def _read(document: Any) -> Any:
    return notification(json.dumps(document).encode())


def test_a_notification_of_alertmanager_is_read() -> None:
    found = _read(document(ONE, alert("Other", {}, 1_000_000.0, 1_000_060.5), truncatedAlerts=3))
    assert (found.sender, found.left_out) == ("Alertmanager", 3)
    first, second = found.alerts
    assert (first.name, first.firing, first.ends_s) == ("HostDown", True, None)
    assert first.labels == {"alertname": "HostDown", "instance": "a"}
    assert first.annotations == {"summary": "it is down"}
    assert first.starts_s == pytest.approx(1_000_000.0, abs=1e-3)
    assert (second.firing, second.ends_s) == (False, pytest.approx(1_000_060.5, abs=1e-3))


def test_a_notification_of_grafana_is_read() -> None:
    more = {"orgId": 1, "title": "[FIRING:1]", "state": "alerting", "message": "**Firing**", "version": "1"}
    extras = {"values": {"B": 1}, "valueString": "[ var='B' ]", "silenceURL": "http://g/", "panelURL": ""}
    assert _read(document(ONE | extras, **more)).sender == "Grafana"


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"", "json", "no JSON"),
        (b"\xff", "utf8", "byte 0"),
        (b"[" * 200_000, "depth", "nested too deep"),
        (b"[]", "object", "a JSON object expected"),
        (document(ONE, version="3"), "version", "'3'"),
        (document(ONE, version=4), "version", "4: "),
        (document(ONE, version=["4"]), "version", "['4']: "),
        (document(ONE, version={}), "version", "{}: "),
        (document(), "alerts", "at least one"),
        (document(*[ONE] * (MAX_ALERTS + 1)), "alerts", "1001 alerts, at most 1000"),
        (document(ONE, 7), "alert", "alerts[1]"),
        (document(ONE | {"labels": {"instance": "a"}}), "labels", "alerts[0].labels: alertname is missing"),
        (document(ONE | {"labels": {"alertname": "x", "n": 1}}), "labels", "alerts[0].labels: an object with texts"),
        (document(ONE | {"labels": {"alertname": "x" * 3_000}}), "labels", "3000 characters, at most 2048"),
        (document(ONE | {"labels": {"alertname": "x", "y" * 300: ""}}), "labels", "a name of 300 characters"),
        (document(ONE | {"labels": {str(n): "" for n in range(101)}}), "labels", "101 entries, at most 100"),
        (document(ONE | {"annotations": []}), "labels", "alerts[0].annotations"),
        (document(ONE | {"status": "suppressed"}), "status", "'suppressed'"),
        (document(ONE | {"startsAt": "yesterday"}), "time", "alerts[0].startsAt 'yesterday'"),
        (document(ONE | {"startsAt": "2026-01-01T00:00:00"}), "time", "a time like"),
        (document(ONE | {"startsAt": None}), "time", "a time expected"),
        (document(ONE | {"startsAt": 5}), "time", "startsAt 5"),
        (document(ONE | {"startsAt": "9999-12-31T23:59:59-12:00"}), "time", "a time like"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(body: Any, code: str, said: str) -> None:
    with pytest.raises(Refusal) as refusal:
        notification(body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (refusal.value.status, refusal.value.code) == (400, code)
    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_a_long_annotation_is_cut_and_half_a_character_replaced() -> None:
    (found,) = _read(document(ONE | {"annotations": {"summary": "x" * 9_000, "y": "\ud800"}})).alerts
    assert len(found.annotations["summary"]) == 4_096
    assert found.annotations["y"] == "?"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
_ALERTS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["firing", "resolved", "other"]) | _JSON,
        "labels": st.dictionaries(st.sampled_from(["alertname", "a", "b"]), st.text(max_size=9)) | _JSON,
        "annotations": st.dictionaries(st.text(max_size=5), st.text(max_size=9)) | _JSON,
        "startsAt": st.datetimes().map(lambda moment: moment.isoformat() + "Z") | _JSON,
        "endsAt": st.datetimes().map(lambda moment: moment.isoformat() + "Z") | _JSON,
        "generatorURL": st.text(max_size=9) | _JSON,
    },
)
_DOCUMENTS = st.fixed_dictionaries(
    {"version": st.sampled_from(["1", "4"]) | _JSON, "alerts": st.lists(_ALERTS | _JSON, max_size=3) | _JSON},
    optional={"truncatedAlerts": _JSON},
)


@given(_DOCUMENTS | _JSON)
def test_any_document_is_read_or_refused(found: Any) -> None:
    try:
        read = _read(found)
    except Refusal:
        return
    assert read.alerts
    assert all(each.labels["alertname"] == each.name for each in read.alerts)
    for each in read.alerts:
        "".join([*each.labels, *each.labels.values(), *each.annotations.values()]).encode()
        assert 0 <= each.starts_s < 7_258_118_400


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        notification(body)
