"""A panel: what people read on it, what is drawn, which data source it asks."""

from typing import Any

from tocsin_dashboards.board import ANY
from tocsin_dashboards.units import UNITS

Json = dict[str, Any]

KINDS = ("timeseries", "stat", "table", "heatmap", "state-timeline")
_COLOURED = ("stat", "state-timeline")
_SOURCE = "${datasource}"


def faults(panel: Json) -> list[str]:
    """Faults of one panel, its queries' PromQL left out."""
    found = [f"{key} is missing" for key in ("title", "description") if not panel.get(key)]
    if panel["type"] not in KINDS:
        found.append(f"{panel['type']} is none of the kinds of panel that we use: {', '.join(KINDS)}")
    if panel.get("description") and not panel["description"].endswith("."):
        found.append("its description is no sentence")
    found += _source(panel)
    found += _field(panel)
    if not panel.get("targets"):
        found.append("no query")
    refs = [target["refId"] for target in panel.get("targets", [])]
    if len(refs) != len(set(refs)):
        found.append("two queries share a refId")
    found += [
        f"query {target['refId']} has no legend"
        for target in panel.get("targets", [])
        if not target.get("legendFormat")
    ]
    return found


def _source(panel: Json) -> list[str]:
    asked = [panel, *panel.get("targets", [])]
    if all(each.get("datasource", {}).get("uid") == _SOURCE for each in asked):
        return []
    return ["it asks a data source of its own, not ${datasource}"]


def _field(panel: Json) -> list[str]:
    defaults = panel["fieldConfig"]["defaults"]
    found = []
    units = [defaults.get("unit", "")]
    for override in panel["fieldConfig"]["overrides"]:
        units += [item["value"] for item in override["properties"] if item["id"] == "unit"]
    if not units[0]:
        found.append("unit is missing")
    found += [f"{unit} is no unit that we know (units.py)" for unit in units if unit and unit not in UNITS]
    if not defaults.get("noValue"):
        found.append("noValue is missing: what stands there without data")
    decimals = defaults.get("decimals")
    if decimals is not None and (type(decimals) is not int or not 0 <= decimals <= 9):
        found.append("decimals is no small whole number")
    low, high = defaults.get("min"), defaults.get("max")
    if low is not None and high is not None and low >= high:
        found.append("min is not below max")
    return found + _thresholds(panel, defaults)


def _thresholds(panel: Json, defaults: Json) -> list[str]:
    steps = defaults.get("thresholds", {}).get("steps", [])
    found = []
    if panel["type"] in _COLOURED and not steps and not defaults.get("mappings"):
        found.append("it is coloured by its value and has neither thresholds nor words")
    if steps:
        values = [step["value"] for step in steps]
        if values[0] is not None or None in values[1:] or values[1:] != sorted(set(values[1:])):
            found.append("the threshold steps do not rise from null")
        style = defaults.get("custom", {}).get("thresholdsStyle", {}).get("mode", "off")
        if panel["type"] == "timeseries" and style == "off" and values[-1] > ANY:
            found.append("it has thresholds and does not draw them")
    return found
