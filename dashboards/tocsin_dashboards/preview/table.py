"""Tables: the queries of a panel side by side, in rows of the same labels."""

from typing import Any

from tocsin_dashboards.preview import colors
from tocsin_dashboards.preview.ask import Series
from tocsin_dashboards.preview.frame import Box
from tocsin_dashboards.preview.svg import element, text
from tocsin_dashboards.units import text as in_unit

Json = dict[str, Any]
_LINE = 28


def draw(panel: Json, found: list[Series], box: Box) -> str:
    """The table; rows that find no room are counted."""
    columns = {target["refId"]: target["legendFormat"] for target in panel["targets"]}
    order = panel["transformations"][-1]["options"]["indexByName"]
    labels = sorted({name for each in found for name in each.labels}, key=lambda name: order.get(name, len(order)))
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for each in found:
        rows.setdefault(tuple(each.labels.get(name, "") for name in labels), {})[each.ref] = each.last
    ordered = sorted(rows.items(), key=lambda row: _rank(panel, columns, row[1]))
    room = max(box.height // _LINE - 1, 1)
    if len(ordered) > room:
        room -= 1
    head = element("tr", *(element("th", text(name)) for name in [*labels, *columns.values()]))
    body = [_row(panel, columns, at, values) for at, values in ordered[:room]]
    if len(ordered) > room:
        more = element("td", f"+{len(ordered) - room} more", colspan=len(labels) + len(columns), class_="more")
        body.append(element("tr", more))
    return element("table", head, *body)


def _rank(panel: Json, columns: dict[str, str], values: dict[str, float]) -> float:
    by = [each["displayName"] for each in panel["options"]["sortBy"]]
    ref = next((ref for ref, title in columns.items() if title in by), next(iter(columns)))
    return -values.get(ref, float("-inf"))


def _row(panel: Json, columns: dict[str, str], at: tuple[str, ...], values: dict[str, float]) -> str:
    cells = [element("td", text(label), title=label) for label in at]
    for ref, title in columns.items():
        defaults = _column(panel, title)
        if ref not in values:
            cells.append(element("td", "-", class_="number"))
            continue
        color = colors.of_value(values[ref], defaults)
        shown = in_unit(values[ref], defaults["unit"], defaults.get("decimals"))
        style = {"style": f"color:{color}"} if color else {}
        cells.append(element("td", text(shown), class_="number", **style))
    return element("tr", *cells)


def _column(panel: Json, title: str) -> Json:
    """The field's defaults with the overrides of one column."""
    found: Json = dict(panel["fieldConfig"]["defaults"])
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == title:
            found |= {item["id"]: item["value"] for item in override["properties"]}
    return found
