"""The folder of rules: one file for each model, as its user sent it, in one line of JSON with whose it is."""

import os
from collections.abc import Iterator

from tocsin_collector import modelfiles
from tocsin_collector.monitor.monitor import Name
from tocsin_collector.quality.rules import Rules, parse


class RuleStore:
    """Rules by model."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def put(self, name: Name, raw: bytes) -> Rules:
        """Keep a file of rules durably in the place of the one before. Raises RuleError, and keeps what there was."""
        rules = parse(raw)
        modelfiles.put(self._folder, name, {"file": raw.decode("utf-8-sig")})
        return rules

    def load(self) -> Iterator[tuple[Name, Rules]]:
        """The rules of every model. A file that cannot be read is logged and left out, so that events are taken."""
        return modelfiles.load(self._folder, "rules", lambda note: parse(note["file"].encode()))
