"""A project that has its series: what it knows goes on, what is new is refused, and nobody else notices."""

import json

import pytest

from tests.collector.doors.visitor import event
from tests.servers.process import until
from tocsin_agent.capture import Capture
from tocsin_collector.export.budget import CORE

ROOM_FOR_TWO = {"quota.projects": [f"shop series={2 * CORE}"]}


def _version(version, name="a", **more):
    return event(f"{name}{version}", version=version, **more)


@pytest.fixture
def full(collector):
    """A collector in which the project shop has the two versions for which it has room."""
    one = collector(**ROOM_FOR_TWO)
    assert one.post(_version("1"), _version("2"))[1]["accepted"] == 2
    return one


def test_a_new_version_is_told_to_come_later_and_nothing_of_it_is_kept(full):
    body = json.dumps([_version("3"), _version("4")]).encode()
    status, headers, answer = full.ask("/v1/events", data=body, Content_Type="application/json")
    told = json.loads(answer)
    assert (status, headers["Retry-After"], told["accepted"]) == (429, "60", 0)
    assert told["rejected"][0]["code"] == "over_series"
    assert "'shop/credit/3': it is new, and its project has the 22 series" in told["rejected"][0]["reason"]
    assert full.metric("tocsin_requests_over_quota_total", project="shop", quota="series") == 1
    assert full.metric("tocsin_quota_used_ratio", project="shop", quota="series") == 1
    assert "new model versions were refused" in full.ask("/")[2].decode()


def test_known_versions_go_on_in_the_same_body(full):
    status, answer = full.post(
        _version("1", "b"), _version("3"), _version("2", "b"), {"type": "nothing"}, _version("4")
    )
    assert (status, answer["accepted"]) == (200, 2)
    assert [(told["row"], told["code"]) for told in answer["rejected"]] == [
        (1, "over_series"),
        (3, "unknown_type"),
        (4, "over_series"),
    ]
    assert full.metric("tocsin_requests_over_quota_total", project="shop", quota="series") == 1
    assert full.metric("tocsin_events_rejected_total", code="over_series") == 2


def test_of_one_body_no_more_versions_than_fit_are_taken(collector):
    one = collector(**ROOM_FOR_TWO)
    status, answer = one.post(*(_version(str(number)) for number in range(50)))
    assert (status, answer["accepted"], answer["rejected_count"]) == (200, 2, 48)


def test_labels_of_a_known_model_are_taken_and_those_of_a_new_one_are_not(full):
    assert full.post(event("a1", kind="label"))[1]["accepted"] == 1
    status, answer = full.post(event("a1", kind="label", model="other"))
    assert (status, answer["rejected"][0]["code"]) == (429, "over_series")


def test_labels_that_come_before_their_predictions_hold_a_place_for_them(collector):
    one = collector(**{"quota.series": CORE})
    assert one.post(event("a1", kind="label"))[1]["accepted"] == 1
    assert one.post(event("x", kind="label", model="other"))[0] == 429
    assert one.metric("tocsin_quota_used_ratio", project="shop", quota="series") == 1


def test_another_project_has_its_own_places(full):
    assert full.post(_version("9", project="bank"))[0] == 200
    assert full.post(_version("9", "b", project="bank"), _version("9"))[1]["accepted"] == 1


def test_after_a_restart_the_places_are_as_taken_as_before(full, collector):
    full.stop()
    again = collector(**ROOM_FOR_TWO)
    assert again.post(_version("3"))[0] == 429
    assert again.post(_version("2", "b"))[0] == 200


def test_a_place_is_free_again_when_the_body_that_held_it_could_not_be_stored(collector):
    one = collector(**ROOM_FOR_TWO)
    assert one.post(_version("1", time="2999-01-01T00:00:00Z"))[0] == 400
    assert one.post(_version("2"), _version("3"))[1]["accepted"] == 2


def test_capture_drops_what_has_no_place_and_goes_on_with_the_rest(full):
    new, known = (Capture(model="credit", version=version, project="shop", endpoint=full.url) for version in ("3", "2"))
    new.prediction(id="new", features={"age": 1}, prediction="yes")
    known.prediction(id="known", features={"age": 1}, prediction="yes")
    assert new.flush(20)
    until(lambda: full.metric("tocsin_predictions_total", version="2") == 2, "the known version goes on")
    assert new._worker.counts.get("rows_dropped", "refused") == 1
    assert new.close(20)
    assert known.close(20)
    assert full.metric("tocsin_predictions_total", version="3") == 0
