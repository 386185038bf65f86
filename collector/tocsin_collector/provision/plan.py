"""One run: validate, ask every server, find the difference, and take the steps of one kind, or none."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tocsin_collector.provision import settings
from tocsin_collector.provision.client import Client
from tocsin_collector.provision.desired import Catalogue, check, desired, shipped
from tocsin_collector.provision.difference import CHANGE, CONFLICT, CREATE, DELETE, Step, difference
from tocsin_collector.provision.fault import ProvisionError
from tocsin_collector.provision.grafana import Grafana
from tocsin_collector.provision.prometheus import Prometheus

Values = dict[str, Any]
APPLY, PRUNE = (CREATE, CHANGE), (DELETE,)


@dataclass(slots=True)
class Part:
    """One server's steps. ``title`` is what people read above them."""

    title: str
    server: Grafana | Prometheus
    steps: list[Step]


@dataclass(slots=True)
class Plan:
    """What would be done, and what has been done."""

    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    done: list[Step] = field(default_factory=list)

    def steps(self, *actions: str) -> list[Step]:
        """The steps of all servers, or those of some actions."""
        return [step for part in self.parts for step in part.steps if not actions or step.action in actions]

    @property
    def writes(self) -> int:
        """How many requests and files were written."""
        return sum(part.server.writes for part in self.parts)


def plan(values: Values, *, catalogue: Catalogue | None = None, sleep: Callable[[float], None] = time.sleep) -> Plan:
    """Ask every server that the configuration names. Raises ConfigError or ProvisionError; nothing is written."""
    settings.check(values)
    catalogue = catalogue or shipped(values)
    check(catalogue)
    prometheus = Prometheus(
        values["prometheus.rules_dir"],
        Client(settings.prometheus(values), sleep=sleep) if values["prometheus.url"] else None,
    )
    grafana = Grafana(Client(settings.grafana(values), sleep=sleep)) if values["grafana.url"] else None
    for server in (prometheus, grafana):
        if server is not None:
            server.greet()
    prometheus.parse(catalogue.rules)
    interval_s = prometheus.interval_s() or float(values["scrape_interval_s"])
    wanted = desired(catalogue, values, interval_s, prometheus.known_rules())
    found = Plan(notes=wanted.notes)
    if values["prometheus.rules_dir"]:  # first: Grafana's rules may ask for what these record
        steps = difference(wanted.rules, prometheus.present(wanted.rules))
        found.parts.append(Part(f"rule files in {prometheus.folder}", prometheus, steps + prometheus.also(steps)))
    if grafana is not None:
        steps = difference(wanted.grafana, grafana.present(wanted.grafana))
        version = f" (version {grafana.version})" if grafana.version else ""
        found.parts.append(Part(f"Grafana at {grafana.url}{version}", grafana, steps))
    return found


def take(found: Plan, actions: Sequence[str], told: Callable[[Step], None]) -> None:
    """Take the steps of some actions; ``told`` hears of each that is done. Raises ProvisionError with what is left."""
    conflicts = found.steps(CONFLICT)
    if conflicts:
        faults = [f"{step.kind} {step.name}: {step.reason}" for step in conflicts]
        raise ProvisionError(*faults, "nothing was written")
    waiting = found.steps(*actions)
    try:
        for part in found.parts:
            _part(found, part, [step for step in part.steps if step.action in actions], told)
    except ProvisionError as error:
        left = [f"{step.kind} {step.key}" for step in waiting if step not in found.done]
        raise ProvisionError(*error.faults, _where(len(found.done), left)) from None


def _part(found: Plan, part: Part, steps: list[Step], told: Callable[[Step], None]) -> None:
    def done(step: Step) -> None:
        found.done.append(step)
        told(step)

    if isinstance(part.server, Prometheus):
        found.notes += part.server.write(steps, done) if steps else []
        return
    for step in steps:
        part.server.write(step)
        done(step)


def _where(done: int, left: list[str]) -> str:
    if not left:
        return f"{done} done"
    shown = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    head = f"{done} done" if done else "nothing is done"
    return f"{head}; not done: {shown}. Run the command again when the fault is gone: it goes on from there"
