"""Folders of one JSON file a model, each replaced as a whole. A file says whose it is: its name is a hash."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from tocsin_collector import wholefile
from tocsin_collector.monitor.monitor import Name

Read = TypeVar("Read")
_log = logging.getLogger(__name__)


def put(folder: str, name: Name, note: dict[str, Any]) -> None:
    """Keep a model's file durably in the place of the one before. Raises OSError."""
    stem = hashlib.sha256("\0".join(name).encode()).hexdigest()[:16]
    whole = {"project": name.project, "model": name.model, **note}
    wholefile.replace(os.path.join(folder, f"{stem}.json"), json.dumps(whole).encode(), ".new")


def load(folder: str, what: str, read: Callable[[dict[str, Any]], Read]) -> Iterator[tuple[Name, Read]]:
    """What ``read`` makes of each model's file. One that cannot be read is logged as ``what`` and left out, so that
    events are taken all the same."""
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if not entry.endswith(".json"):
            continue
        try:
            with open(path, encoding="utf-8") as file:
                note = json.load(file)
            yield Name(note["project"], note["model"]), read(note)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.error("%s_unreadable file=%s reason=%s", what, path, error)
