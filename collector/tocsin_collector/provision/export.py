"""The catalogue as files that others install: Grafana's provisioning folder, rule files, Kubernetes objects.

No secret is written: a data source names the file that has it, which Grafana reads at its start. Rules of Grafana's own
are not among them: a file of notification policies replaces the whole tree, so their route cannot come by a file.
"""

import os
from collections.abc import Callable
from typing import Any

from tocsin_collector.provision import managed
from tocsin_collector.provision.desired import Catalogue
from tocsin_collector.provision.difference import CHANGE, CREATE, DELETE, Item, Step, difference
from tocsin_collector.provision.folder import present, text_of, write
from tocsin_collector.provision.sources import Source, sources
from tocsin_collector.provision.stamp import Json
from tocsin_collector.provision.yamltext import yaml

KIND = "file"
BOARDS = "dashboards/tocsin"
Values = dict[str, Any]
Files = dict[str, str | Json]


def files(format_: str, catalogue: Catalogue, values: Values, seen_as: str) -> Files:
    """The files of a format by their path below the folder. ``seen_as`` is where Grafana sees the folder."""
    made: dict[str, Callable[[], Files]] = {
        "grafana": lambda: _grafana(catalogue, values, seen_as),
        "prometheus": lambda: dict(catalogue.rules),
        "kubernetes": lambda: _kubernetes(catalogue),
    }
    return made[format_]()


FORMATS = ("grafana", "prometheus", "kubernetes")


def write_all(folder: str, found: Files) -> list[Step]:
    """Bring a folder to hold these files, and of ours no others; the steps that were taken. Raises ProvisionError."""
    steps = difference([Item(KIND, name, body) for name, body in found.items()], present(folder, KIND, list(found)))
    for step in steps:
        if step.action in (CREATE, CHANGE, DELETE):
            write(folder, step)
    return steps


def _grafana(catalogue: Catalogue, values: Values, seen_as: str) -> Files:
    found: Files = {f"{BOARDS}/{uid}.json": board for uid, board in catalogue.boards.items()}
    provider = {
        "name": "tocsin",
        "folder": "tocsin",
        "folderUid": managed.FOLDER,
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": os.path.join(seen_as, BOARDS)},
    }
    found["dashboards/tocsin.yaml"] = yaml({"apiVersion": 1, "providers": [provider]})
    given = sources(values, float(values["scrape_interval_s"]))
    if given:
        found["datasources/tocsin.yaml"] = yaml({"apiVersion": 1, "datasources": [_source(each) for each in given]})
    return found


def _source(source: Source) -> Json:
    secure = {name: f"{before}$__file{{{path}}}" for name, (before, path, _) in source.files.items()}
    body = _escaped({**source.item.body, "editable": False})
    return {**body, "secureJsonData": secure} if secure else dict(body)


def _escaped(value: Any) -> Any:
    """Grafana puts variables of its environment in for `$NAME`; `$$` is a dollar."""
    if isinstance(value, dict):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _kubernetes(catalogue: Catalogue) -> Files:
    found: Files = {}
    labels = {"app.kubernetes.io/part-of": "tocsin", "app.kubernetes.io/managed-by": "tocsin-provision"}
    for uid, board in catalogue.boards.items():
        data = {f"{uid}.json": text_of(Item(KIND, uid, board))}
        metadata = {
            "name": f"{uid}-board",
            "labels": {**labels, "grafana_dashboard": "1"},
            "annotations": {"grafana_folder": "tocsin"},
        }
        found[f"board-{uid}.yaml"] = yaml({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    for name, text in catalogue.rules.items():
        short = name.removesuffix(".yml").removesuffix(".rules")
        metadata = {"name": f"{short}-rules", "labels": labels}
        head = yaml({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": metadata})
        found[f"rules-{short}.yaml"] = f"{head}spec:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    return found
