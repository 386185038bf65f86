"""The boards of the catalogue as objects of Grafana, and their faults."""

from collections.abc import Mapping

from tocsin_collector.provision.difference import Item
from tocsin_collector.provision.stamp import Json, unstamped
from tocsin_dashboards.builder import build
from tocsin_dashboards.generate import found
from tocsin_dashboards.lint import all_faults
from tocsin_schema.metric import Metric

KIND = "board"


def boards() -> dict[str, Json]:
    """Every board's JSON by its uid."""
    built = (build(board) for board in found().values())
    return {str(board["uid"]): unstamped(board) for board in built}


def items(boards: Mapping[str, Json]) -> list[Item]:
    """The boards as objects."""
    return [Item(KIND, uid, board) for uid, board in boards.items()]


def faults(boards: Mapping[str, Json], known: Mapping[str, Metric]) -> list[str]:
    """What is wrong with boards: their lint, and that each is one that tocsin would know as its own again."""
    found = all_faults(boards.values(), dict(known))
    titles: dict[str, str] = {}
    for uid, board in boards.items():
        if not uid.startswith("tocsin-") or board.get("uid") != uid or "tocsin" not in board.get("tags", ()):
            found.append(f"{uid}: its uid must begin with tocsin- and its tags must hold tocsin")
        title = str(board.get("title"))
        if title in titles:
            found.append(f"{uid}: its title {title!r} is that of {titles[title]} too")
        titles[title] = uid
    return found
