"""Every page and its JSON, as a browser without scripts sees them."""

import asyncio
import html
import html.parser
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

import tocsin_alerts
from tocsin_collector.page.address import feature_path, model_path
from tocsin_collector.verdict import (
    Decision,
    EstimateVerdict,
    FeatureSchema,
    JointVerdict,
    ModelKey,
    ModelView,
    Onset,
    SchemaChange,
)

PAGES = (
    "/", "/models/demo/flights/2", "/models/demo/flights/2/features/dep_delay",
    "/models/demo/flights/2/features/carrier", "/models/shop/credit/-", "/models/shop/churn/7",
    "/logs", "/logs?q=flight+UA10*&level=error", "/alarms", "/runbooks/HostDown",
)  # fmt: skip
SERVERS = ("http://prometheus.example:9090/graph?", "https://grafana.example/ops/d/tocsin-")
HOSTILE = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'; DROP TABLE record; --", "{{ 7 * 7 }}", "a/../b",
    "x" * 10_000, "\u202eRTL עברית", "نموذج", "../../etc/passwd", "%2e%2e%2f", "a\nb\r\nc", "..", "-", "?q=1#x", " ",
)  # fmt: skip


def get(service: Any, path: str, **keywords: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.app), base_url="http://page") as client:
            return await client.get(path, **keywords)

    with ThreadPoolExecutor(1) as pool:  # Playwright may have a loop in this thread already
        return pool.submit(lambda: asyncio.run(ask())).result()


class _Balance(html.parser.HTMLParser):
    """Whether every element is closed in its order, and which elements and attributes there are."""

    VOID = frozenset({"meta", "link", "input", "br", "img", "!doctype"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")


def checked(text: str) -> _Balance:
    found = _Balance()
    found.feed(text)
    assert (found.faults, found.open) == ([], [])
    for tag, attributes in found.elements:
        assert "style" not in attributes, "the policy forbids it"
        assert not [name for name in attributes if name.startswith("on")], "no inline script"
        for name in ("src", "href"):
            address = attributes.get(name) or "/"
            known = SERVERS if (tag, name) == ("a", "href") else ()
            assert address.startswith(("/", "#", *known)), f"{tag} leads elsewhere: {address}"
    assert [attributes.get("src", "")[:16] for tag, attributes in found.elements if tag == "script"] == [
        "/static/page.js?"
    ]
    return found


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_whole_and_safe(service: Any, path: str) -> None:
    answer = get(service, path)
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    found = checked(answer.text)
    assert [tag for tag, _ in found.elements].count("h1") == 1
    for tag, attributes in found.elements:
        if tag == "th":
            assert attributes.get("scope") in ("col", "row")
        if tag == "svg":
            assert (
                "aria-label" in attributes
                or "aria-hidden" in attributes
                or attributes.get("role") == "img"
                or "viewBox" in attributes
                or "viewbox" in attributes
            )


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(service: Any, path: str) -> None:
    found = checked(get(service, path).text)
    links = {
        a["href"]
        for tag, a in found.elements
        if tag in ("a", "link", "script")
        for a in [{"href": a.get("href") or a.get("src")}]
    }
    elsewhere = "/docs", "/metrics", "/v1/reports/"  # served by other routers
    ours = {link for link in links if link and link.startswith("/") and not link.startswith(elsewhere)}
    seen = sorted(ours)[:: max(1, len(ours) // 10)]
    assert seen
    assert {link: get(service, html.unescape(link)).status_code for link in seen} == dict.fromkeys(seen, 200)


def test_the_overview_shows_fleet_models_and_what_fires(service: Any) -> None:
    text = get(service, "/").text
    assert text.index("Firing now") < text.index("Models") < text.index("Fleet")
    assert text.index(">flights<") < text.index(">churn<") < text.index(">credit<"), "worst first"
    assert "ewr-gpu-01" in text
    assert "GPU" in text
    assert "never heard of" in text, "the agent that is gone"
    assert "no connection: Connection refused" in text
    for name in ("CPU", "Memory", "Fullest disk", "Network in"):
        assert f"{name}" in text


def test_a_model_says_why_and_since_when(service: Any) -> None:
    text = get(service, "/models/demo/flights/2").text
    assert "2 windows in a row alarm, since 5 Dec 2013." in text
    assert "dep_delay: 11.2% of values are missing" in text
    assert "log loss 0.82 is above its bound" in text
    for name in ("Requests", "Latency p50 / p99", "AUC", "Log loss", "Brier score", "delay_minutes", "wind_speed"):
        assert name in text
    assert text.count('class="cell alarm') == 2
    assert text.count('class="cell ok"') == 34


def test_a_model_is_shown_as_a_window_saw_it(service: Any) -> None:
    text = get(service, "/models/demo/flights/2?end=1386219600").text
    assert "As its reference since 1 Nov 2013, 34 windows." in html.unescape(text)
    assert "As of this window." in text
    assert text.count("cell ok chosen") == 1
    assert "2 windows in a row alarm" in get(service, "/models/demo/flights/2?end=7").text


def test_the_figures_beside_a_window_are_its_own(service: Any) -> None:
    view = next(view for view in service.views if view.key.model == "flights")
    chosen = view.verdicts[10]
    text = get(service, f"/models/demo/flights/2?end={chosen.end_s:.0f}").text
    told = dict(re.findall(r"<h3><bdi>([^<]+)</bdi>.*?<p class=\"big\">(?:<a[^>]*>)?([^<]+)", text, re.DOTALL))
    for title, value in (
        ("Log loss", chosen.quality.scores["log_loss"]),
        ("Rows", chosen.rows),
        ("delay_minutes", chosen.outcomes["delay_minutes"].mean),
        ("Predicted late", chosen.classes["late"]),
    ):
        shown = float(told[title].replace(",", "").removesuffix(" %")) / (100 if told[title].endswith("%") else 1)
        assert shown == pytest.approx(value, rel=0.01), title
    assert f": {chosen.quality.labelled:,} labels, 95.5 % of its rows" in text


def test_a_chart_shows_the_measure_that_alarms(service: Any, empty: Any) -> None:
    view = next(view for view in service.views if view.key.model == "flights")
    last = view.verdicts[-1]
    feature = replace(last.features["dep_delay"], score=0.01, reasons=("dep_delay: 11 % missing",))
    empty.views = [replace(view, verdicts=(*view.verdicts[:-1], replace(last, features={"dep_delay": feature})))]
    text = get(empty, "/models/demo/flights/2").text
    assert "<title>Missing dep_delay by window</title>" in text
    assert "<title>Distance of dep_delay by window</title>" not in text


def test_evidence_of_drift_is_told_with_who_decides(service: Any, empty: Any) -> None:
    view = next(view for view in service.views if view.key.model == "flights")
    last = view.verdicts[-1]
    incident = Onset("dep_delay", "mean", 23.4, 16.6, 1_386_000_000.0)
    decision = Decision(last.start_s, last.rows, 23.4, 16.6, (incident,), (incident,), (0.0,))
    feature = replace(last.features["dep_delay"], method="evidence", score=1.41, threshold=1.0)
    # A window that drifts need not have labels.
    drifting = replace(last, features={"dep_delay": feature}, quality=None, decision=decision)
    how = {"policy": "calibrated", "false_alarms_per_month": 0.1, "level_nats": 16.6, "spiky": ["wind"]}
    about = {**(view.reference or {}), "decisions": how}
    empty.views = [replace(view, reference=about, verdicts=(*view.verdicts[:-1], drifting))]
    text = html.unescape(get(empty, "/models/demo/flights/2").text)
    assert "10.0 % chance of any false alarm in 30 days; not held where the reference has shocks: wind" in text
    assert "23.4 nats, 16.6 alarm; 1 incident open" in text
    assert "evidence 1.41, bound 1" in text
    (version,) = get(empty, "/v1/models/demo/flights").json()["versions"]
    told = version["windows"][-1]["decision"]
    assert (told["score"], told["open"]) == (23.4, ["dep_delay:mean"])
    assert told["onsets"][0]["since"] == "2013-12-02T16:00:00.000Z"
    assert get(empty, "/models/demo/flights/2/features/dep_delay").status_code == 200
    short = {"policy": "threshold", "reason": "the reference has 30 windows"}
    empty.views = [replace(view, reference={**about, "decisions": short})]
    assert (
        "thresholds for each window by itself: the reference has 30 windows"
        in get(empty, "/models/demo/flights/2").text
    )


def test_features_that_go_together_otherwise_and_what_labels_will_show_are_told(service: Any, empty: Any) -> None:
    view = next(view for view in service.views if view.key.model == "flights")
    reason = "<b>age</b> and income go together otherwise"
    changed = JointVerdict(9.0, 4.5, (("<b>age</b>", "income", 9.0),), (reason,))
    estimate = EstimateVerdict(900, {"auc": 0.81}, {"auc": (0.79, 0.83)}, {"auc": "cbpe"}, {})
    last = replace(view.verdicts[-1], joint=changed, estimate=estimate, features={}, quality=None)
    empty.views = [replace(view, verdicts=(*view.verdicts[:-1], last))]
    shown = html.unescape(get(empty, "/models/demo/flights/2").text)
    assert "&lt;b&gt;age" in get(empty, "/models/demo/flights/2").text
    assert "age</b> with income: dependence since" in shown
    assert "9 standard deviations from the reference, bound 4.5" in shown
    assert "<dt>estimated</dt><dd>0.81 [0.79, 0.83]</dd>" in shown
    (model,) = get(empty, "/v1/models/demo/flights").json()["versions"]
    assert model["windows"][-1]["joint"]["pairs"] == [{"features": ["<b>age</b>", "income"], "score": 9.0}]
    assert model["windows"][-1]["estimate"]["auc"]["estimator"] == "cbpe"
    assert model["explanation"]["features"][0]["what"] == "dependence"


def test_traffic_and_latency_come_from_the_ring(service: Any) -> None:
    text = get(service, "/models/demo/flights/2").text
    shown = re.search(r"Requests</bdi></h3>\s*<p class=\"big\"><a[^>]*>([\d.]+) /s", text)
    assert shown
    assert 9 < float(shown[1]) < 13, "11 a second and a slow wave"


def test_a_feature_shows_the_window_that_was_chosen(service: Any) -> None:
    path = "/models/demo/flights/2/features/dep_delay"
    newest = get(service, path).text
    assert "<strong>6 Dec 2013</strong>" in newest
    chosen = re.search(r'href="([^"]+\?end=\d+)">\S+ 5 Dec 2013', newest)
    assert chosen
    assert "<strong>5 Dec 2013</strong>" in get(service, chosen[1]).text
    assert "<strong>6 Dec 2013</strong>" in get(service, path + "?end=nonsense").text


def test_a_feature_shows_all_distances_of_the_window_and_json_has_them(service: Any, empty: Any) -> None:
    view = _renamed(next(view for view in service.views if view.verdicts), "m")
    feature = replace(
        view.verdicts[0].features["m"], distances={"psi": 0.25, "wasserstein_sd": 0.41, "js": float("nan")}
    )
    empty.views = [replace(view, verdicts=(replace(view.verdicts[0], features={"m": feature}),))]
    found = get(empty, "/v1/models/m/m").json()["versions"][0]["windows"][0]["drift"]["m"]
    assert found["distances"] == {"psi": 0.25, "wasserstein_sd": 0.41, "js": None}
    text = get(empty, "/models/m/m/m/features/m").text
    assert re.search(r"Wasserstein, in standard deviations</dt><dd>0.41<", text)


def test_logs_are_searched_and_marked(service: Any) -> None:
    text = get(service, "/logs?q=UA1005").text
    assert "flight <mark>UA1005</mark> scored in" in text
    assert "1 record," in text
    assert "Older records" in get(service, "/logs").text
    older = re.search(r'class="button" href="([^"]+)"', get(service, "/logs?q=flight").text)
    assert older
    assert "further down" in get(service, html.unescape(older[1])).text


@pytest.mark.parametrize(
    ("query", "said"), [("q=!!!", "type a word"), ("since=soon", "15m"), ("level=loud", "one of debug")]
)
def test_a_search_that_cannot_be_done_says_why(service: Any, query: str, said: str) -> None:
    answer = get(service, f"/logs?{query}")
    assert answer.status_code == 200
    assert said in html.unescape(answer.text)


@pytest.mark.parametrize("name", list(tocsin_alerts.alerts()))
def test_every_runbook_is_a_page(service: Any, name: str) -> None:
    text = get(service, f"/runbooks/{name}").text
    checked(text)
    assert "<h2>What to do</h2>" in text


@pytest.mark.parametrize(
    "path",
    [
        "/models/a/b/c",
        "/models/demo/flights/2/features/nope",
        "/runbooks/Nope",
        "/static/../routes.py",
        "/static/x",
        "/v1/models/a/b",
    ],
)
def test_what_is_not_there_is_a_404(service: Any, path: str) -> None:
    assert get(service, path).status_code == 404


def test_an_empty_service_says_what_to_do_next(empty: Any) -> None:
    text = get(empty, "/").text
    checked(text)
    for hint in ("No agent yet", "agents = [", "No model yet", "/v1/events", "Nothing fires"):
        assert hint in text
    assert "No record has come yet" in get(empty, "/logs").text
    assert "Nobody is told yet" in get(empty, "/alarms").text


def test_a_model_without_a_reference_says_how_to_give_it_one(service: Any) -> None:
    text = get(service, "/models/shop/churn/7").text
    assert "PUT /v1/references/shop/churn" in text
    assert "2 features are coming in (age, city)" in text


def test_series_that_are_not_on_metrics_are_told_with_the_model(service: Any) -> None:
    key = ModelKey("demo", "flights", "2")
    assert "metrics.series_per_model" not in get(service, model_path(*key)).text
    service.folded[key] = 96
    try:
        assert "96 series of this version are not on" in get(service, model_path(*key)).text
    finally:
        service.folded.clear()


# --- hostile names ----------------------------------------------------------------------------------------------------


def _renamed(view: ModelView, name: str) -> ModelView:
    key = ModelKey(name, name, name)
    last = view.verdicts[-1]
    feature = replace(last.features["dep_delay"], name=name, reasons=(f"{name}: bad",))
    feature = replace(
        feature, distribution=replace(feature.distribution, cells=(name,) * len(feature.distribution.cells))
    )
    hostile = replace(
        last,
        key=key,
        features={name: feature},
        outcomes={name: last.outcomes["delay_minutes"]},
        classes={name: 1.0},
        segments={name: {name: 3}},
    )
    return replace(
        view,
        key=key,
        verdicts=(hostile,),
        features={name: "number"},
        schema=(FeatureSchema(name, {"number": 0.0}),),
        changes=(SchemaChange(0.0, "new", name, f"{name} is new"),),
        reference={"source": name, "rows": 1},
    )


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_breaks_a_page_or_becomes_markup(service: Any, empty: Any, name: str) -> None:
    view = _renamed(next(view for view in service.views if view.verdicts), name)
    empty.views = [view]
    empty.alarms.verdict(view.key, view.verdicts[-1])
    for path in ("/", model_path(*view.key), feature_path(*view.key, name), "/alarms"):
        answer = get(empty, path)
        assert answer.status_code == 200, path
        found = checked(answer.text)
        assert not [tag for tag, _ in found.elements if tag == "img"]
        assert "49" not in re.findall(r"<bdi>(\d+)</bdi>", answer.text), "no template in a template"
    assert get(empty, "/logs", params={"q": name[:900]}).status_code == 200


# --- JSON -------------------------------------------------------------------------------------------------------------


def test_models_as_json(service: Any) -> None:
    found = {model["model"]: model for model in get(service, "/v1/models").json()["models"]}
    assert found["flights"]["state"] == "alarm"
    assert found["flights"]["state_since"] == "2013-12-05T05:00:00.000Z"
    assert found["churn"]["state_text"] == "no reference yet"
    assert found["credit"]["page"] == "/models/shop/credit/-"


def test_a_model_as_json_has_windows_drift_quality_and_alarms(service: Any) -> None:
    (version,) = get(service, "/v1/models/demo/flights").json()["versions"]
    last = version["windows"][-1]
    assert len(version["windows"]) == 36
    assert last["drift"]["dep_delay"]["alarmed"] is True
    assert last["quality"]["scores"]["auc"] == 0.61
    assert {alarm["alert"] for alarm in version["alarms"]} == {
        "ModelQualityDrop",
        "FeatureDrift",
        "FeatureMissingValues",
    }


def test_the_schema_and_what_changed_about_it_are_told(service: Any) -> None:
    (version,) = get(service, "/v1/models/demo/flights").json()["versions"]
    assert version["schema"][2] == {
        "name": "wind_speed",
        "kind": "number",
        "since": "2013-11-01T05:05:00.000Z",
        "kinds": {"number": "2013-11-01T05:05:00.000Z"},
        "vanished": "2013-11-21T05:00:00.000Z",
    }
    assert [change["what"] for change in version["schema_changes"]] == ["version", "kind", "vanished"]
    assert (version["late_total"], version["early_total"]) == (17, 0)
    text = get(service, "/models/demo/flights/2").text
    for told in ("follows version 1", "category, then number", "vanished 21 Nov 2013", "Too late, in no window"):
        assert told in text


def test_alarms_as_json(service: Any) -> None:
    found = get(service, "/v1/alarms").json()
    assert "HostDown" in {alarm["alert"] for alarm in found["firing"]}
    assert all(alarm["runbook"].startswith("/runbooks/") for alarm in found["firing"])


def test_numbers_that_json_does_not_know_are_null(service: Any, empty: Any) -> None:
    view = _renamed(next(view for view in service.views if view.verdicts), "m")
    feature = replace(view.verdicts[0].features["m"], score=float("nan"), threshold=float("inf"))
    empty.views = [replace(view, verdicts=(replace(view.verdicts[0], features={"m": feature}),))]
    found = get(empty, "/v1/models/m/m").json()["versions"][0]["windows"][0]["drift"]["m"]
    assert (found["score"], found["threshold"]) == (None, None)
    assert get(empty, model_path("m", "m", "m")).status_code == 200


def test_the_json_twins_are_in_the_openapi(service: Any) -> None:
    paths = get(service, "/openapi.json").json()["paths"]
    assert {"/v1/models", "/v1/models/{project}/{model_name}", "/v1/alarms", "/v1/logs"} <= set(paths)
    assert "/" not in paths
