"""The boards' JSON, byte for byte the same each time."""

import importlib
import json
import pkgutil

from tocsin_dashboards import boards
from tocsin_dashboards.board import Board
from tocsin_dashboards.builder import build

FOLDER = "dashboards/tocsin_dashboards/generated"


def found() -> dict[str, Board]:
    """The boards by file name, found by listing."""
    names = sorted(module.name for module in pkgutil.iter_modules(boards.__path__))
    return {name: importlib.import_module(f"{boards.__name__}.{name}").BOARD for name in names}


def generated() -> dict[str, str]:
    """The text of every generated file by its path from the root of the repository."""
    return {f"{FOLDER}/{name}.json": json.dumps(build(board), indent=1) + "\n" for name, board in found().items()}
