"""Prometheus: is it ready, does it scrape us, has it our rules and somebody to hand alerts to."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import tocsin_alerts
from tocsin_collector import oldest
from tocsin_collector.servers.ask import Access, told
from tocsin_collector.servers.discovery import AGENT_JOB, COLLECTOR_JOB
from tocsin_collector.servers.seen import Remark, Seen, too_old

_UP = quote(f'up{{job=~"{AGENT_JOB}|{COLLECTOR_JOB}"}}')


async def look(access: Access, *, judges: bool, targets_file: str) -> Seen:
    """Ask it all. ``judges``: its rules decide about alarms, so they must be there. Raises Unanswered."""
    await told("Prometheus", access.get("/-/ready"))
    about = await told("Prometheus", access.json("/api/v1/status/buildinfo"), "data", "version")
    version = str(about["data"]["version"])
    remarks = [*too_old("Prometheus", version, oldest.PROMETHEUS), await _scrapes(access, targets_file)]
    if judges:
        remarks += [await _rules(access), await _receivers(access)]
    return Seen(version, tuple(remarks))


async def _scrapes(access: Access, targets_file: str) -> Remark:
    """What it scrapes of us, by a query: its list of targets may have thousands of others."""
    found = _list(await access.json(f"/api/v1/query?query={_UP}"), "result")
    states = [(_of(each, "metric").get("job"), _last(each.get("value")) == "1") for each in found]
    agents = [up for job, up in states if job == AGENT_JOB]
    own = [up for job, up in states if job == COLLECTOR_JOB]
    if not states:
        where = f"; its file_sd_configs must name {targets_file}" if targets_file else "; set prometheus.targets_file"
        return Remark(f"scrapes neither collector nor agents{where}", bad=True)
    collector = "the collector" if any(own) else "not the collector (its scrape fails)" if own else "not the collector"
    return Remark(f"scrapes {collector}, {sum(agents)} of {len(agents)} agents", bad=not any(own) or not all(agents))


async def _rules(access: Access) -> Remark:
    wanted = set(tocsin_alerts.alerts())
    groups = _list(await access.json("/api/v1/rules?type=alert"), "groups")
    rules = [rule for group in groups for rule in _list(group, "rules") if rule.get("name") in wanted]
    missing = wanted - {rule["name"] for rule in rules}
    failing = [rule for rule in rules if rule.get("health") == "err"]
    if failing:
        said = str(failing[0].get("lastError", ""))
        return Remark(f"its rule {failing[0]['name']} fails: {said:.200}", bad=True)
    text = f"has {len(wanted) - len(missing)} of our {len(wanted)} alerts"
    return Remark(f"{text}; load them with `tocsin provision apply`" if missing else text, bad=bool(missing))


async def _receivers(access: Access) -> Remark:
    active = _list(await access.json("/api/v1/alertmanagers"), "activeAlertmanagers")
    if not active:
        return Remark("knows no Alertmanager: its alerts reach nobody", bad=True)
    return Remark(f"hands alerts to {len(active)} Alertmanager{'s' if len(active) > 1 else ''}")


def _list(document: object, name: str) -> list[dict[str, Any]]:
    """A list of objects in an answer's data, or in an object; empty for what has another shape."""
    data = _of(document, "data") or document
    found = data.get(name) if isinstance(data, Mapping) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _of(document: object, name: str) -> dict[str, Any]:
    found = document.get(name) if isinstance(document, Mapping) else None
    return found if isinstance(found, dict) else {}


def _last(value: object) -> object:
    return value[-1] if isinstance(value, list) and value else None
