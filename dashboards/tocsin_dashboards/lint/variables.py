"""The variables: a data source, job and instance as dashboard-linter wants them, each of them used."""

import re
from typing import Any

from tocsin_dashboards.lint.layout import every_panel

Json = dict[str, Any]

OWN = {"__rate_interval", "__interval", "__range", "__range_s", "__range_ms", "__from", "__to"}
"""Grafana's own variables that a query may use."""
_VARIABLE = re.compile(r"\$\{?(\w+)")


def faults(board: Json) -> list[str]:
    """Faults of the variables."""
    listed = board["templating"]["list"]
    names = [item["name"] for item in listed]
    found = [f"two variables are called {name}" for name in sorted({name for name in names if names.count(name) > 1})]
    found += [f"there is no variable {name}" for name in ("datasource", "job", "instance") if name not in names]
    for item in listed:
        found += [f"variable {item['name']}: {fault}" for fault in _faults(item)]
    texts = _texts(board)
    return found + [f"variable {name} is not used" for name in names if name not in texts]


def used(text: str) -> set[str]:
    """The names of the variables in a text."""
    return set(_VARIABLE.findall(text))


def _faults(item: Json) -> list[str]:
    found = []
    if item.get("current"):
        found.append("a value is written into the board; it is another one elsewhere")
    if not item.get("label") or not item["label"][0].isupper():
        found.append("its label is missing or does not begin with a capital letter")
    if item["type"] == "datasource":
        if item["query"] != "prometheus":
            found.append("it does not list data sources of Prometheus")
        return found
    if item["type"] != "query":
        return [*found, f"it is a {item['type']}, not a query"]
    if item["datasource"]["uid"] != "${datasource}":
        found.append("it asks a data source of its own, not ${datasource}")
    wanted = {"refresh": 2, "multi": True, "includeAll": True, "allValue": ".+"}
    found += [f"{key} is not {value!r}" for key, value in wanted.items() if item.get(key) != value]
    if not re.fullmatch(rf"label_values\(\w+\{{.*\}}, {item['name']}\)", item["query"]["query"]):
        found.append("it does not list the values of the label of its name")
    return found


def _texts(board: Json) -> set[str]:
    """The variables that queries, other variables and data sources use."""
    found: set[str] = set()
    for item in board["templating"]["list"]:
        if item["type"] == "query":
            found |= used(item["query"]["query"]) | used(item["datasource"]["uid"])
    for panel in every_panel(board):
        for target in panel.get("targets", []):
            found |= used(target["expr"])
    return found
