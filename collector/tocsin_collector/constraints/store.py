"""The folder of rules: one file for each model, as its user sent it, in one line of JSON with whose it is."""

import hashlib
import json
import logging
import os
from collections.abc import Iterator

from tocsin_collector import wholefile
from tocsin_collector.monitor.monitor import Name
from tocsin_collector.quality.rules import Rules, parse

_log = logging.getLogger(__name__)


class RuleStore:
    """Rules by model."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def put(self, name: Name, raw: bytes) -> Rules:
        """Keep a file of rules durably in the place of the one before. Raises RuleError, and keeps what there was."""
        rules = parse(raw)
        note = {"project": name.project, "model": name.model, "file": raw.decode("utf-8-sig")}
        stem = hashlib.sha256("\0".join(name).encode()).hexdigest()[:16]
        path = os.path.join(self._folder, f"{stem}.json")
        wholefile.replace(path, json.dumps(note).encode(), ".new")
        return rules

    def load(self) -> Iterator[tuple[Name, Rules]]:
        """The rules of every model. A file that cannot be read is logged and left out, so that events are taken."""
        for entry in sorted(os.listdir(self._folder)):
            path = os.path.join(self._folder, entry)
            if not entry.endswith(".json"):
                continue
            try:
                with open(path, encoding="utf-8") as file:
                    note = json.load(file)
                yield Name(note["project"], note["model"]), parse(note["file"].encode())
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                _log.error("rules_unreadable file=%s reason=%s", path, error)
