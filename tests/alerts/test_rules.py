"""The rules files: what the catalogue says, fresh, with links that lead somewhere."""

import json
import pathlib
import re
from typing import Any

import pytest
import yaml

from tocsin_alerts import Alert, alerts, rules
from tocsin_alerts.alert import duration
from tocsin_alerts.catalogue import by_group
from tocsin_alerts.recording import RECORDS, recorded
from tocsin_alerts.rules import VARIABLES, generated

ROOT = pathlib.Path(__file__).parents[2]
BOARDS = ROOT / "dashboards/tocsin_dashboards/generated"
PAGE, GRAFANA = "https://tocsin.example", "https://grafana.example/below"
ALL = list(alerts().values())


def _rules(text: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def _by_name(**links: str) -> dict[str, dict[str, Any]]:
    found = [rule for text in rules(**links).values() for rule in _rules(text)]
    return {rule["alert"]: rule for rule in found if "alert" in rule}


def test_the_committed_rules_are_those_of_the_catalogue() -> None:
    folder = ROOT / "alerts/tocsin_alerts/generated"
    committed = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert committed == generated()


def test_two_runs_write_the_same_bytes() -> None:
    assert rules(PAGE, GRAFANA) == rules(PAGE, GRAFANA)


def test_a_file_is_one_group_and_bears_its_name() -> None:
    assert set(rules()) == {f"tocsin-{name}.rules.yml" for name in (*by_group(), "recording")}
    for name, text in rules().items():
        assert [group["name"] for group in yaml.safe_load(text)["groups"]] == [name.removesuffix(".rules.yml")]


def test_the_rules_say_what_the_catalogue_says() -> None:
    found = _by_name(page_url=PAGE)
    assert set(found) == set(alerts())
    for alert in ALL:
        rule = found[alert.name]
        assert rule["expr"] == recorded(alert.expr)
        assert rule["labels"] == {"severity": alert.severity}
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"{PAGE}/runbooks/{alert.name}"
        assert rule.get("for") == (duration(alert.for_s) if alert.for_s else None)


def test_templates_become_prometheus_templates() -> None:
    assert _by_name()["HostMemoryLow"]["annotations"]["summary"] == (
        'only {{ $value | humanizePercentage | reReplaceAll "%" " %" }} of memory left on {{ $labels.instance }}'
    )


# --- recording rules --------------------------------------------------------------------------------------------------


def test_a_recorded_series_is_named_by_level_metric_and_operations() -> None:
    for record in RECORDS:
        level, metric, operations = record.name.split(":")
        assert level == "_".join(re.findall(r"by \((.*?)\)", record.expr)[0].split(", "))
        assert metric.startswith("tocsin_")
        assert operations.endswith("rate5m")
        assert "[5m]" in record.expr


def test_each_recorded_series_is_used_by_an_alert() -> None:
    used = " ".join(rule["expr"] for rule in _by_name().values())
    assert all(record.name in used for record in RECORDS)


def test_a_record_stands_on_those_before_it_only() -> None:
    before: list[str] = []
    for rule in _rules(rules()["tocsin-recording.rules.yml"]):
        assert set(re.findall(r"\w+:\w+:\w+", rule["expr"])) <= set(before)
        before.append(rule["record"])
    assert before == [record.name for record in RECORDS]


# --- links to panels --------------------------------------------------------------------------------------------------


def _boards() -> dict[str, dict[str, Any]]:
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in BOARDS.glob("*.json")]
    return {board["uid"]: board for board in boards}


@pytest.mark.parametrize("alert", ALL, ids=lambda alert: alert.name)
def test_an_alert_leads_to_a_panel_that_is_there(alert: Alert) -> None:
    url = _by_name(grafana_url=GRAFANA)[alert.name]["annotations"]["dashboard_url"]
    found = re.fullmatch(re.escape(GRAFANA) + r"/d/([\w-]+)\?viewPanel=(\d+)((?:&var-\w+=\{\{ [^}]+ \}\})*)", url)
    assert found, url
    board = _boards()[found[1]]
    panels = [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]
    (panel,) = [panel for panel in panels if panel["id"] == int(found[2])]
    assert panel["type"] != "row"
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for name, label in re.findall(r"&var-(\w+)=\{\{ \$labels\.(\w+) \| urlquery \}\}", found[3]):
        assert name == label
        assert name in variables
        assert name in alert.labels


def test_the_variables_that_links_set_are_those_of_the_boards() -> None:
    for uid, names in VARIABLES.items():
        assert set(names) <= {variable["name"] for variable in _boards()[uid]["templating"]["list"]}


def test_an_alert_about_one_host_or_model_leads_to_it_alone() -> None:
    found = _by_name(grafana_url=GRAFANA)
    assert "&var-instance={{ $labels.instance | urlquery }}" in found["HostDown"]["annotations"]["dashboard_url"]
    assert found["FeatureDrift"]["annotations"]["dashboard_url"].endswith(
        "&var-feature={{ $labels.feature | urlquery }}"
    )
    # The instance of a model's alert is the collector, on the board it would be the hosts that serve.
    assert "var-instance" not in found["FeatureDrift"]["annotations"]["dashboard_url"]


def test_a_slash_at_the_end_of_an_address_is_not_doubled() -> None:
    assert rules(f"{PAGE}/", f"{GRAFANA}/") == rules(PAGE, GRAFANA)
