"""What should be there: from the catalogue and the configuration, whole and validated before anything is written."""

from dataclasses import dataclass
from typing import Any

import tocsin_alerts
from tocsin_collector.provision import boards as board_items
from tocsin_collector.provision import managed, rulefile
from tocsin_collector.provision.difference import Item
from tocsin_collector.provision.fault import ProvisionError
from tocsin_collector.provision.sources import Source, sources
from tocsin_collector.provision.stamp import Json
from tocsin_schema.catalogue import catalogue

FOLDER_KIND, RULE_FILE = "folder", "rule file"
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that tocsin ships, whoever takes it: boards by uid, rule files by name."""

    boards: dict[str, Json]
    rules: dict[str, str]


@dataclass(frozen=True, slots=True)
class Desired:
    """What each server should hold, and what a person should know about it."""

    sources: list[Source]
    grafana: list[Item]
    rules: list[Item]
    notes: list[str]


def shipped(values: Values) -> Catalogue:
    """The catalogue with the links of this configuration."""
    return Catalogue(board_items.boards(), tocsin_alerts.rules(page_url(values), links(values)))


def page_url(values: Values) -> str:
    """Where people and Grafana reach the collector."""
    return str(values["alerting.page_url"] or f"http://{values['listen']}").rstrip("/")


def links(values: Values) -> str:
    """Where people reach Grafana."""
    return str(values["grafana.public_url"] or values["grafana.url"]).rstrip("/")


def check(catalogue_: Catalogue) -> None:
    """Raise ProvisionError with every fault of boards and rules."""
    known = catalogue()
    faults = board_items.faults(catalogue_.boards, known) + rulefile.faults(catalogue_.rules, known)
    if faults:
        raise ProvisionError(*faults)


def desired(
    catalogue_: Catalogue, values: Values, interval_s: float, known_rules: frozenset[str] = frozenset()
) -> Desired:
    """What the servers of a configuration should hold; ``known_rules`` are the names of the rules that Prometheus has.

    Alerts go to the one who judges them, and to nobody else: with two judges each alarm would ring twice.
    """
    judge = values["alerting.judge"]
    found = sources(values, interval_s)
    grafana = [source.item for source in found]
    grafana += [Item(FOLDER_KIND, managed.FOLDER, {"title": "tocsin"}), *board_items.items(catalogue_.boards)]
    if judge == "grafana":
        grafana += managed.items(catalogue_.rules, page_url(values) + "/v1/notifications")
    files = catalogue_.rules if judge == "prometheus" else recording(catalogue_)
    rules = [Item(RULE_FILE, name, text) for name, text in files.items()]
    notes = _notes(catalogue_, values, known_rules)
    return Desired(found, grafana, rules if values["prometheus.rules_dir"] else [], notes)


def recording(catalogue_: Catalogue) -> dict[str, str]:
    """The rule files that wake nobody."""
    return {name: text for name, text in catalogue_.rules.items() if not rulefile.has_alerts(text)}


def _notes(catalogue_: Catalogue, values: Values, known_rules: frozenset[str]) -> list[str]:
    judge, found = values["alerting.judge"], []
    if values["prometheus.rules_dir"] and judge != "prometheus":
        found.append(
            f"alerting.judge = {judge}: prometheus.rules_dir gets the recording rules only: no alarm shall ring twice"
        )
    needed = catalogue_.rules if judge == "prometheus" else recording(catalogue_) if judge == "grafana" else {}
    lacking = rulefile.names(needed.values()) - known_rules
    if lacking and not values["prometheus.rules_dir"]:
        shown = ", ".join(sorted(lacking)[:3]) + (", …" if len(lacking) > 3 else "")
        found.append(
            f"Prometheus lacks {len(lacking)} of tocsin's rules ({shown}): nothing fires without them. "
            "Set prometheus.rules_dir, or install them in another way (tocsin provision export)"
        )
    if values["grafana.url"] and not values["prometheus.url"]:
        found.append("prometheus.url is not set: Grafana gets no data source of it, the boards ask any that it has")
    return found
