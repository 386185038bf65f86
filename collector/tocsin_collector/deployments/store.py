"""The folder of deployments: one file for each model, the newest few of all its versions."""

import os
import threading
from typing import Any, NamedTuple

from tocsin_collector import modelfiles
from tocsin_collector.monitor.monitor import MODELS_MOST, Name
from tocsin_collector.verdict import SchemaChange

KEPT = 100
"""Of a model, by when they happened."""
DEPLOYED = "deployed"
"""What such a change is called among the others."""


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
        self._known = dict(modelfiles.load(folder, "deployments", _read))

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
            modelfiles.put(self._folder, name, {"deployments": [each._asdict() for each in kept]})
            self._known[name] = kept
            return True

    def of(self, name: Name) -> tuple[Deployment, ...]:
        """A model's, in order of time."""
        return self._known.get(name, ())

    def changes(self, name: Name) -> tuple[SchemaChange, ...]:
        """A model's, as things that changed about it."""
        return tuple(one.change() for one in self.of(name))


def _read(note: dict[str, Any]) -> tuple[Deployment, ...]:
    return tuple(Deployment(**one) for one in note["deployments"])
