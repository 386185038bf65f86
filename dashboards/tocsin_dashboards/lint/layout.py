"""The board itself and its grid: ids, places, rows, what is asked when it opens."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

COLUMNS = 24
QUERIES_AT_ONCE = 30
"""More than this is slow to open; the rest lies in collapsed rows."""
_UNWANTED = ("__inputs", "__requires", "__elements", "id", "gnetId")


def faults(board: Json) -> list[str]:
    """Faults of the board as a whole."""
    found = [f"{key} is missing" for key in ("uid", "title", "description", "schemaVersion") if not board.get(key)]
    found += [f"{key} is for boards of one Grafana only" for key in _UNWANTED if key in board]
    if board.get("editable") is not False:
        found.append("editable is not false: the next provisioning would undo what people change")
    if len(str(board.get("uid", ""))) > 40:
        found.append("the uid is longer than the 40 characters that Grafana takes")
    if not isinstance(board["links"], list):
        found.append("links is no list")
    return found + _ids(board) + _grid(board) + _rows(board)


def every_panel(board: Json) -> Iterator[Json]:
    """The panels and rows of a board, those of collapsed rows too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def _ids(board: Json) -> list[str]:
    panels = list(every_panel(board))
    found = [f"panel {panel.get('title')!r} has no id of its own" for panel in panels if not _is_id(panel.get("id"))]
    if found:
        return found
    counted = Counter(panel["id"] for panel in panels)
    titles = Counter(panel.get("title") for panel in panels if panel["type"] != "row")
    return [
        *(f"{count} panels share the id {number}" for number, count in counted.items() if count > 1),
        *(f"{count} panels share the title {title!r}" for title, count in titles.items() if count > 1),
    ]


def _is_id(number: Any) -> bool:
    return type(number) is int and number > 0


def _grid(board: Json) -> list[str]:
    found = []
    # A collapsed row's panels lie over what follows it until it is opened: each such row is a grid of its own.
    grids = [board["panels"], *(panel["panels"] for panel in board["panels"] if panel.get("panels"))]
    for grid in grids:
        taken: set[tuple[int, int]] = set()
        for panel in grid:
            place = panel["gridPos"]
            x, y, w, h = (place[key] for key in "xywh")
            cells = {(column, line) for column in range(x, x + w) for line in range(y, y + h)}
            if x < 0 or y < 0 or w < 1 or h < 1 or x + w > COLUMNS:
                found.append(f"panel {panel['id']} leaves the grid of {COLUMNS} columns")
            elif cells & taken:
                found.append(f"panel {panel['id']} overlaps another")
            taken |= cells
    return found


def _rows(board: Json) -> list[str]:
    found = []
    for panel in board["panels"]:
        if panel["type"] != "row":
            continue
        if not panel.get("title"):
            found.append(f"row {panel['id']} has no title")
        if bool(panel.get("panels")) != bool(panel["collapsed"]):
            found.append(f"row {panel['id']}: a collapsed row holds its panels, an open one has them after it")
    asked = sum(len(panel.get("targets", [])) for panel in board["panels"])
    if asked > QUERIES_AT_ONCE:
        found.append(f"{asked} queries run when the board opens; {QUERIES_AT_ONCE} may")
    return found
