"""The folder of deployments: one file for each model, the newest few of all its versions."""

import hashlib
import json
import logging
import os
import threading
from typing import Any, NamedTuple

from tocsin_collector import wholefile
from tocsin_collector.monitor.monitor import MODELS_MOST, Name
from tocsin_collector.verdict import SchemaChange

KEPT = 100
"""Of a model, by when they happened."""
DEPLOYED = "deployed"
"""What such a change is called among the others."""
_log = logging.getLogger(__name__)


class DeploymentError(ValueError):
    """There is no room for another model."""


class Deployment(NamedTuple):
    """A version was put into service at a time; ``id`` is the sender's name for it: sent again, it is the same one."""

    id: str
    version: str
    time_s: float
    note: str

    def change(self) -> SchemaChange:
        """It as one of the things that change about a model."""
        version = f"version {self.version} deployed" if self.version else "deployed"
        return SchemaChange(self.time_s, DEPLOYED, "", f"{version}: {self.note}" if self.note else version)


class DeploymentStore:
    """Deployments by model, in order of time. Safe from any thread; readers see a whole list or the one before."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        os.makedirs(folder, exist_ok=True)
        self._known = dict(_read(os.path.join(folder, entry)) for entry in sorted(os.listdir(folder)))
        self._known.pop(None, None)

    def put(self, name: Name, one: Deployment) -> bool:
        """Keep one durably; False where the same was kept before. Raises DeploymentError, OSError."""
        with self._lock:
            known = self._known.get(name, ())
            if name not in self._known and len(self._known) >= MODELS_MOST:
                raise DeploymentError(f"{MODELS_MOST} models have deployments, and no more can have")
            if one in known:
                return False
            others = [each for each in known if each.id != one.id]
            kept = tuple(sorted([*others, one], key=lambda each: (each.time_s, each.id))[-KEPT:])
            note = {"project": name.project, "model": name.model, "deployments": [each._asdict() for each in kept]}
            stem = hashlib.sha256("\0".join(name).encode()).hexdigest()[:16]
            wholefile.replace(os.path.join(self._folder, f"{stem}.json"), json.dumps(note).encode(), ".new")
            self._known[name] = kept
            return True

    def of(self, name: Name) -> tuple[Deployment, ...]:
        """A model's, in order of time."""
        return self._known.get(name, ())

    def changes(self, name: Name) -> tuple[SchemaChange, ...]:
        """A model's, as things that changed about it."""
        return tuple(one.change() for one in self.of(name))


def _read(path: str) -> tuple[Name | None, tuple[Deployment, ...]]:
    """A model and what its file has; nobody's where it cannot be read, which is said: events are taken all the same."""
    if not path.endswith(".json"):
        return None, ()
    try:
        with open(path, encoding="utf-8") as file:
            note: dict[str, Any] = json.load(file)
        return Name(note["project"], note["model"]), tuple(Deployment(**one) for one in note["deployments"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.error("deployments_unreadable file=%s reason=%s", path, error)
        return None, ()
