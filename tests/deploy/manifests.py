"""Kubernetes manifests as they stand in ``deploy/kubernetes``, before any kustomization."""

from pathlib import Path
from typing import Any

import yaml

from tests.deploy.manuals import DEPLOY

FOLDER = DEPLOY / "kubernetes"
Object = dict[str, Any]


def objects(path: Path) -> list[Object]:
    """Every document of a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def one(path: str) -> Object:
    """The one document of a file."""
    (found,) = objects(FOLDER / path)
    return found


def pod(workload: Object) -> Object:
    """The pod that a workload makes."""
    found: Object = workload["spec"]["template"]
    return found


def containers(workload: Object) -> dict[str, Object]:
    """Its containers by name, sidecars among them."""
    spec = pod(workload)["spec"]
    return {one["name"]: one for one in [*spec.get("initContainers", []), *spec["containers"]]}
