"""The page of a model's quality and its JSON, on windows that were judged for real."""

import json

import numpy as np
import pytest

from tests.collector.page.conftest import DAY, FIRST, FLIGHTS
from tests.collector.page.test_pages import get
from tests.collector.quality.test_outcomes import verdicts
from tocsin_collector.frame import category, number
from tocsin_collector.page import qualityapi, qualitypage
from tocsin_collector.quality import Labelled, Stakes, by_segment, judge
from tocsin_collector.verdict import ModelKey, ModelView, WindowVerdict


def page(service, path):
    answer = get(service, path)
    assert answer.status_code == 200
    return answer.text


STAKES = Stakes({"auc": 0.6}, {("late", "on time"): 40.0, ("on time", "late"): 5.0})


def judged(key, rows, stakes=STAKES, days=6):
    """A view of so many days whose labels are ``rows(day)``."""
    verdicts = []
    for day in range(days):
        labelled = rows(day)
        verdict = judge(None, labelled, predictions=1_000, min_rows=100, stakes=stakes)
        verdict.segments.update(by_segment(labelled, stakes))
        start = FIRST + day * DAY
        verdicts.append(WindowVerdict(key, start, start + DAY, 0, 1_000, {}, verdict, final=True))
    return ModelView(key, 6_000, 5_400, 0, FIRST, FIRST + 6 * DAY, FIRST, 0, None, {}, tuple(verdicts))


def flights(day):
    rng = np.random.default_rng(day)
    size = 900
    origin = rng.choice(["EWR", "JFK", "LGA"], size, p=[0.5, 0.3, 0.2])
    share = 1 / (1 + np.exp(-(1.4 * rng.normal(size=size) - 1.2 + 1.5 * (origin == "LGA"))))
    late = rng.random(size) < share
    return Labelled(
        category(["late" if one else "on time" for one in late]),
        None,
        {"late": number(share.tolist()), "on time": number((1 - share).tolist())},
        {"origin": category(origin.tolist())},
        rng.lognormal(9, 1, size),
    )


@pytest.fixture(scope="module")
def view():
    return judged(FLIGHTS, flights)


def test_windows_and_segments_are_added_up(view):
    (version,) = qualityapi.quality([view], 3)["versions"]
    found = version["summary"]
    assert (found["windows"], found["labelled"]) == (3, 2_700)
    assert sum(part["labelled"] for part in found["segments"]["origin"].values()) == 2_700
    low, high = (found["scores"]["auc"][end] for end in ("low", "high"))
    assert low < found["scores"]["auc"]["value"] < high
    assert found["scores"]["cost"]["value"] > 0
    assert set(found["thresholds"]) == {"late", "on time"}
    assert found["label_delay_s"]["0.5"] < found["label_delay_s"]["0.9"]
    assert any(gap["gap"]["low"] > 0 for gap in found["gaps"]["origin"])
    json.dumps(version, allow_nan=False)


def test_the_page_shows_each_part(empty, view):
    empty.views.append(view)
    text = page(empty, f"/models/{FLIGHTS.project}/{FLIGHTS.model}/{FLIGHTS.version}/quality?windows=2")
    for said in (
        "1,800 labels of 2 windows",
        "Calibration of",
        "PR-AUC",
        "By segment",
        "LGA",
        "differs",
        "within",
    ):
        assert said in text, said


def test_every_kind_of_model_has_its_page(empty):
    rng = np.random.default_rng(1)
    lists = category([json.dumps(list("abcdef")[at % 3 :]) for at in range(300)])
    prices = rng.gamma(2, 50, 300)
    kinds = {
        "numbers": Labelled(number(prices), number(prices + 1), {"q0.9": number(prices + 2)}),
        "rankings": Labelled(category(rng.choice(list("abcdef"), 300).tolist()), lists),
        "sets": Labelled(category(['["a"]', '["b","c"]', "[]"] * 100), lists),
        "nothing": Labelled(category(["a"] * 300), category([None] * 300)),
    }
    empty.views += [judged(ModelKey("shop", name, "1"), lambda _, rows=rows: rows) for name, rows in kinds.items()]
    said = {"numbers": "R²", "rankings": "NDCG", "sets": "Jaccard", "nothing": "no prediction that they could"}
    for name, text in said.items():
        assert text in page(empty, f"/models/shop/{name}/1/quality")


def test_no_labels_yet_says_how_to_send_them(empty):
    key = ModelKey("shop", "new", "1")
    empty.views.append(ModelView(key, 1, 0, 0, FIRST, FIRST, FIRST, 1, None, {}, ()))
    assert "Labels may come late" in page(empty, "/models/shop/new/1/quality")


def test_names_that_somebody_chose_are_escaped(empty):
    rows = Labelled(category(["<b>x"] * 300), category(["<b>x"] * 300), {}, {"<i>s": category(["<u>v"] * 300)})
    empty.views.append(judged(ModelKey("shop", "<m>", "1"), lambda _: rows))
    text = page(empty, "/models/shop/%253Cm%253E/1/quality")
    assert not any(tag in text for tag in ("<b>x", "<i>s", "<u>v", "<m>"))
    assert "&lt;b&gt;x" in text


def test_an_interval_without_ends_is_empty():
    assert qualitypage.interval(None) == ""


def test_two_versions_are_compared_on_the_page_and_in_the_api(empty):
    older, newer = (verdicts(version, share, seed) for version, share, seed in (("3", 0.05, 1), ("4", 0.09, 2)))
    for found in (older, newer):
        key = found[0].key
        first_s = 10.0 if key.version == "3" else 20.0
        empty.views.append(ModelView(key, 1, 1, 1, first_s, 9e5, 9e5, 0, None, {}, tuple(found)))
    found = get(empty, "/v1/models/shop/credit/comparison").json()
    assert (found["first"], found["second"]) == ("3", "4")
    sale = found["scores"]["sale a prediction"]
    assert sale["difference"]["low"] > 0
    assert sale["decided"].startswith("1970-01-0")
    turned = get(empty, "/v1/models/shop/credit/comparison?first=4&second=3").json()
    assert turned["scores"]["sale a prediction"]["difference"]["high"] < 0
    for version, other in (("3", "4"), ("4", "3")):
        text = page(empty, f"/models/shop/credit/{version}/quality")
        assert f"Against version <bdi>{other}</bdi>" in text
        assert "sale a prediction" in text.lower()
    assert "Outcomes" in text


def test_a_comparison_without_two_versions_names_those_that_are_known(empty, view):
    empty.views.append(view)
    path = f"/v1/models/{FLIGHTS.project}/{FLIGHTS.model}/comparison"
    answer = get(empty, path)
    assert answer.status_code == 404
    assert repr(FLIGHTS.version) in answer.json()["error"]["reason"]
    assert get(empty, path + f"?first={FLIGHTS.version}&second={FLIGHTS.version}").status_code == 404
    assert get(empty, "/v1/models/no/body/comparison").json()["error"]["reason"].endswith("none")
