"""Prometheus' alerting rules as rules of Grafana, with contact point and route that bring them to the collector.

A rule of Prometheus filters: it brings series that are at fault, and none when all is well. So in Grafana

- query A is the rule's expression, asked as an instant query; the value in the texts is A's;
- B, the condition, is ``$A ** 0``: 1 for each series that A brings, whatever its value (0 and NaN too: ``up == 0``
  brings zeros, which a threshold above 0 would never see);
- no data is well (``noDataState: OK``), and a query that fails is an alert of its own (``execErrState: Error``).

The tree of notification policies is one object that all of Grafana shares: it is never replaced. One route, for the
label ``managed_by=tocsin``, is put in front of the others when there is none for that label.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tocsin_collector.provision import rulefile
from tocsin_collector.provision.difference import Item
from tocsin_collector.provision.sources import PROMETHEUS
from tocsin_collector.provision.stamp import Json, digest

RULE, GROUP, CONTACT, ROUTE = "alert rule", "rule group", "contact point", "route"
FOLDER = "tocsin"
LABEL, NAME = "managed_by", "tocsin"
MATCHERS = [[LABEL, "=", NAME]]
INTERVAL_S = 10
"""How often Grafana judges a group: its shortest. The collector judges every five seconds."""
_LONGEST_UID = 40
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}


def items(files: Mapping[str, str], webhook: str) -> list[Item]:
    """Contact point, rules, groups and route for the alerting rules of some files."""
    contact: Json = {"uid": NAME, "name": NAME, "type": "webhook", "settings": {"url": webhook, "httpMethod": "POST"}}
    rules = [_rule(rule, group) for group, rule in _alerts(files)]
    groups = list(dict.fromkeys(str(rule["ruleGroup"]) for rule in rules))
    return [
        Item(CONTACT, NAME, contact),
        *(Item(RULE, rule["uid"], rule) for rule in rules),
        *(Item(GROUP, group, {"interval": INTERVAL_S}) for group in groups),
        Item(ROUTE, f"{LABEL}={NAME}", route()),
    ]


def route() -> Json:
    """Our branch of the policies. Alarms of one subject travel together; the collector makes messages of them."""
    return {
        "receiver": NAME,
        "object_matchers": MATCHERS,
        "group_by": ["project", "model", "version", "instance"],
        "group_wait": "10s",
        "group_interval": "10s",
    }


def _alerts(files: Mapping[str, str]) -> Iterator[tuple[str, Json]]:
    for text in files.values():
        for group in rulefile.groups(text):
            for rule in group["rules"]:
                if "alert" in rule:
                    yield str(group["name"]), rule


def _rule(rule: Json, group: str) -> Json:
    name = str(rule["alert"])
    return {
        "uid": uid(name),
        "folderUID": FOLDER,
        "ruleGroup": group,
        "title": name,
        "condition": "B",
        "data": [_query(str(rule["expr"])), _expression("B", {"type": "math", "expression": "$A ** 0"})],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": span(str(rule.get("for", "0s"))),
        "labels": {**rule.get("labels", {}), LABEL: NAME},
        "annotations": _annotations(rule.get("annotations", {})),
    }


def uid(name: str) -> str:
    """A rule's address for ever, within Grafana's 40 characters."""
    whole = f"tocsin-{name}"
    return whole if len(whole) <= _LONGEST_UID else f"{whole[: _LONGEST_UID - 13]}-{digest(name)}"


def _query(expr: str) -> Json:
    model = {"refId": "A", "expr": expr, "instant": True, "range": False, "editorMode": "code"}
    return {"refId": "A", "datasourceUid": PROMETHEUS, "relativeTimeRange": {"from": 600, "to": 0}, "model": model}


def _expression(ref: str, model: Json) -> Json:
    own = {"type": "__expr__", "uid": "__expr__"}
    model = {"refId": ref, "datasource": own, **model}
    return {"refId": ref, "datasourceUid": "__expr__", "relativeTimeRange": {"from": 0, "to": 0}, "model": model}


def _annotations(annotations: Mapping[str, Any]) -> Json:
    # In Grafana $value is a text about all queries; the number is A's.
    found = {name: re.sub(r"\$value\b", "$values.A.Value", str(text)) for name, text in annotations.items()}
    return {**found, **_panel(found.get("dashboard_url", ""))}


def _panel(dashboard_url: str) -> Json:
    """The annotations by which Grafana draws the alert's states into its panel."""
    address = urlsplit(dashboard_url.split("{{", 1)[0])
    board = re.search(r"/d/([\w-]+)", address.path)
    panel = parse_qs(address.query).get("viewPanel", [""])[0]
    return {"__dashboardUid__": board[1], "__panelId__": panel} if board and panel.isdigit() else {}


def seconds(text: str) -> float:
    """A duration of Prometheus in seconds."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


def span(text: str) -> str:
    """A duration as Grafana gives it back: 90s as 1m30s, 60m as 1h."""
    whole = round(seconds(text))
    for unit in ("w", "d"):
        if whole and whole % _UNITS[unit] == 0:
            return f"{whole // int(_UNITS[unit])}{unit}"
    parts = [(whole // 3_600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"
