"""The links of boards that belong together: each leads to a board that is there, with variables that it has."""

import re
from typing import Any

from tocsin_dashboards.lint.layout import every_panel

Json = dict[str, Any]

_ADDRESS = re.compile(r"/d/([\w-]+)\?(.*)")
_CARRIED = re.compile(r"\$\{(\w+):queryparam\}")
_SET = re.compile(r"var-(\w+)=\$\{__(?:field\.labels|data\.fields)\.(\w+)\}")
_TIME = "${__url_time_range}"


def faults(boards: list[Json]) -> list[str]:
    """Every link that leads nowhere, loses the time, or carries a variable that one of the two boards lacks."""
    variables = {board["uid"]: {item["name"] for item in board["templating"]["list"]} for board in boards}
    found = []
    if len(variables) != len(boards):
        found.append("two boards share a uid")
    titles = [board["title"] for board in boards]
    found += [f"two boards share the title {title!r}" for title in {t for t in titles if titles.count(t) > 1}]
    for board in boards:
        uid = board["uid"]
        for link in board["links"]:
            fault = _fault(link["url"], uid, variables)
            if not fault and not link["keepTime"]:
                fault = "it does not keep the time"
            found += [f"{uid} link {link['title']!r}: {fault}"] if fault else []
        for panel in every_panel(board):
            for link in panel.get("fieldConfig", {}).get("defaults", {}).get("links", []):
                fault = _fault(link["url"], uid, variables)
                if not fault and _TIME not in link["url"]:
                    fault = "it does not keep the time"
                found += [f"{uid} panel {panel['id']} link {link['title']!r}: {fault}"] if fault else []
    return found


def _fault(url: str, uid: str, variables: dict[str, set[str]]) -> str:
    address = _ADDRESS.fullmatch(url)
    if not address:
        return f"{url} is no address of a board"
    target = address[1]
    if target not in variables:
        return f"there is no board {target}"
    carried = set(_CARRIED.findall(address[2]))
    if missing := carried - variables[uid]:
        return f"this board has no variable {min(missing)}"
    if missing := (carried | {name for name, _ in _SET.findall(address[2])}) - variables[target]:
        return f"{target} has no variable {min(missing)}"
    return "" if "datasource" in carried else "it does not keep the data source"
