"""Deployments over HTTP: kept once, corrected by their id, there after a restart, and told beside what alarms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.constraints.test_constraints import Collector
from tocsin_collector.deployments.store import KEPT, Deployment, DeploymentError, DeploymentStore
from tocsin_collector.drift.explain import around
from tocsin_collector.monitor.monitor import MODELS_MOST, Name
from tocsin_collector.verdict import ModelKey, SchemaChange, WindowVerdict

PATH = "/v1/deployments/shop/credit"
NAME = Name("shop", "credit")
TOLD = {"version": "4", "time": "2026-11-01T10:00:00.000Z", "note": "build 812"}


@pytest.fixture
def collector(tmp_path):
    found = Collector(tmp_path)
    yield found
    found.service.close()


def test_what_is_told_twice_is_kept_once_and_outlives_a_restart(collector):
    first = collector("POST", PATH, json=TOLD).json()
    assert (first["version"], first["time"], first["note"], first["duplicate"]) == (
        "4",
        TOLD["time"],
        "build 812",
        False,
    )
    assert collector("POST", PATH, json=TOLD).json() == first | {"duplicate": True}
    collector.again()
    assert collector("POST", PATH, json=TOLD).json()["duplicate"]
    assert [one["note"] for one in collector("GET", PATH).json()["deployments"]] == ["build 812"]


def test_an_id_sent_again_corrects_its_time_and_note(collector):
    collector("POST", PATH, json=TOLD | {"id": "812"})
    collector("POST", PATH, json=TOLD | {"id": "813"})
    collector("POST", PATH, json=TOLD | {"id": "812", "time": "2026-11-01T11:00:00+00:00"})
    found = collector("GET", PATH).json()["deployments"]
    assert [(one["id"], one["time"]) for one in found] == [("813", TOLD["time"]), ("812", "2026-11-01T11:00:00.000Z")]


@pytest.mark.parametrize(
    ("wrong", "status", "fault"),
    [
        ({"time": "yesterday"}, 400, "time: 'yesterday' is no RFC 3339 time"),
        ({"time": "2026-11-01T10:00:00"}, 400, "lacks its offset"),
        ({"time": "0001-01-01T00:00:00Z"}, 400, "a year from 1970 to 2199"),
        ({"note": "x" * 301}, 422, "300"),
        ({"version": 4}, 422, "string"),
        ({"host": "a"}, 422, "host"),
    ],
)
def test_what_is_no_deployment_is_told_and_not_kept(collector, wrong, status, fault):
    answer = collector("POST", PATH, json=TOLD | wrong)
    assert answer.status_code == status
    assert fault in answer.text
    assert collector("GET", PATH).json() == {"deployments": []}


def test_the_newest_of_a_model_are_kept_and_models_are_bounded(tmp_path, monkeypatch):
    store = DeploymentStore(str(tmp_path))
    for at in range(KEPT + 3):
        assert store.put(NAME, Deployment(str(at), "", float(at), ""))
    assert [one.id for one in DeploymentStore(str(tmp_path)).of(NAME)] == [str(at) for at in range(3, KEPT + 3)]
    monkeypatch.setattr(store, "_known", dict.fromkeys((Name("p", str(at)) for at in range(MODELS_MOST)), ()))
    with pytest.raises(DeploymentError, match="no more can have"):
        store.put(Name("p", "another"), Deployment("1", "", 1.0, ""))


@given(st.binary(max_size=300))
def test_a_damaged_file_hides_no_other_model(tmp_path_factory, junk):
    folder = tmp_path_factory.mktemp("deployments")
    store = DeploymentStore(str(folder))
    store.put(NAME, Deployment("1", "4", 1.0, ""))
    (folder / "zz.json").write_bytes(junk)
    assert DeploymentStore(str(folder)).of(NAME) == store.of(NAME)


def test_what_happened_about_then_is_told_in_order_of_time():
    window = WindowVerdict(ModelKey(*NAME, "3"), 7_200.0, 10_800.0, 0, 9, {})
    changes = [SchemaChange(at, "deployed", "", str(at)) for at in (9_000.0, 3_600.0, 3_599.0, 10_800.0)]
    assert [one.time_s for one in around(changes, 7_200.0, window)] == [3_600.0, 9_000.0]


def test_a_model_tells_what_was_deployed_of_it(collector):
    event = {"type": "prediction", "project": "shop", "model": "credit", "version": "3", "id": "1", "prediction": 1}
    collector("POST", "/v1/events", json=event)
    collector("POST", PATH, json=TOLD)
    (found,) = collector("GET", "/v1/models/shop/credit").json()["versions"]
    assert [(one["time"], one["what"], one["text"]) for one in found["deployments"]] == [
        (TOLD["time"], "deployed", "version 4 deployed: build 812")
    ]
    assert "version 4 deployed: build 812" in collector("GET", "/models/shop/credit/3").text
