"""All servers away for a whole minute, by the clock: stopped, hanging, slow, answering 500.

Meanwhile events, logs and pages go on, an alarm begins, and the collector says of each server what is wrong. When they
are back nothing is lost and nothing is there twice. Two files of tests share it, since a file's tests run one after the
other.
"""

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.collector.alarms.conftest import Http
from tests.collector.logs.elasticsearch.conftest import Real
from tests.collector.logs.elasticsearch.sender import Sender
from tests.servers import alertmanager, elasticsearch, grafana, prometheus
from tests.servers.cache import have
from tests.servers.process import Server, until
from tests.system.beside import Beside, Collector, beside
from tests.system.gate import Gate
from tests.system.outage import FINE, HostAlarm, goes_on, says

AWAY_S = 60.0
LATE_S = 3.0
VERSION = "9.2.0"


@dataclass(frozen=True)
class Everything:
    """The chain with Grafana and Elasticsearch, each server behind a gate; one agent for each kind of absence."""

    chain: Beside
    servers: dict[str, Server]
    gates: dict[str, Gate]
    exporters: list[Http]

    @property
    def logs(self) -> Real:
        """Elasticsearch, asked past its gate."""
        return Real(self.servers["elasticsearch"])


@contextlib.contextmanager
def everything(folder: Path) -> Iterator[Everything]:
    """All of it, started in an empty folder; at the end each alarm must have been told once."""
    for get in (prometheus.binary, alertmanager.binary, grafana.home, lambda: elasticsearch.installed(VERSION)):
        have(get)
    (folder / "password").write_text(grafana.PASSWORD)
    with contextlib.ExitStack() as running:
        exporters = [running.enter_context(contextlib.closing(Http())) for _ in KINDS]
        for each in exporters:
            each.exposition = FINE.encode()
        search = running.enter_context(elasticsearch.elasticsearch(str(folder), VERSION))
        boards = running.enter_context(grafana.grafana(str(folder)))
        gates: dict[str, Gate] = {}

        def gate(name: str, url: str) -> str:
            gates[name] = running.enter_context(contextlib.closing(Gate(url)))
            return gates[name].url

        chain = running.enter_context(
            beside(
                folder,
                [f"http://{each.address}" for each in exporters],
                asked_at=lambda url: gate("prometheus", url),
                grafana__url=gate("grafana", boards.url),
                grafana__username=grafana.USER,
                grafana__password_file=str(folder / "password"),
                elasticsearch__urls=[gate("elasticsearch", search.url)],
            )
        )
        gates["alertmanager"] = chain.gate
        servers = {
            "prometheus": chain.prometheus,
            "alertmanager": chain.alertmanager,
            "grafana": boards,
            "elasticsearch": search,
        }
        for name in servers:
            says(chain.collector, name, up=True)
        yield Everything(chain, servers, gates, exporters)
        told = [title.split(" over after")[0] for title in chain.hook.titles()]
        assert sorted(told) == sorted(set(told)), "each beginning and each end was told once"


def _each(do: Callable[[Server], None]) -> Callable[[Everything], None]:
    def all_of(found: Everything) -> None:
        for server in found.servers.values():
            do(server)

    return all_of


def _gates(**told: object) -> Callable[[Everything], None]:
    def all_of(found: Everything) -> None:
        for gate in found.gates.values():
            for name, value in told.items():
                setattr(gate, name, value)

    return all_of


KINDS = {
    "stopped": (_each(Server.stop), _each(lambda server: server.start(90)), "502"),
    "hanging": (_each(Server.pause), _each(Server.resume), ""),
    "slow": (_gates(late_s=LATE_S), _gates(late_s=0.0), None),
    "answering 500": (_gates(broken=True), _gates(broken=False), "500"),
}
"""How they go, how they come back, and what the collector says of each; None: it may say that it is well."""


def a_minute_away(everything: Everything, kind: str) -> None:
    """Nothing is lost and nothing doubled by a minute of one kind."""
    take, bring_back, fault = KINDS[kind]
    collector, exporter = everything.chain.collector, everything.exporters[list(KINDS).index(kind)]
    alarm, dataset = HostAlarm(everything.chain.hook, exporter), f"away_{kind.replace(' ', '_')}"
    sender = Sender(0, collector.url, dataset)
    try:
        until(lambda: len(sender.acknowledged) >= 60, "logs are taken")
        events = _events(collector) + _away(everything, take, bring_back, fault, alarm)
        assert _events(collector) == events
        alarm.is_told_once("CRITICAL")
        before = len(sender.acknowledged)
        until(lambda: len(sender.acknowledged) >= before + 60, "logs are taken again", 60)
    finally:
        sender.finish()
    alarm.ends()
    alarm.is_told_once("RESOLVED")
    stored = Counter(hit["_source"]["message"] for hit in everything.logs.documents(dataset))
    assert stored == Counter(sender.acknowledged)
    if fault is not None:
        assert sender.refusals[503], "senders were asked to come back"


def _away(
    found: Everything,
    take: Callable[[Everything], None],
    bring_back: Callable[[Everything], None],
    fault: str | None,
    alarm: HostAlarm,
) -> int:
    """How many events were acknowledged meanwhile."""
    over_s, events = time.monotonic() + AWAY_S, 0
    take(found)
    try:
        alarm.begins()
        for name in found.servers if fault is not None else ():
            says(found.chain.collector, name, up=False, fault=fault)

        def is_over() -> bool:
            nonlocal events
            events += goes_on(found.chain.collector)
            return time.monotonic() >= over_s

        until(is_over, "the minute is over", 2 * AWAY_S, every_s=0.5)
    finally:
        bring_back(found)
    for name in found.servers:
        says(found.chain.collector, name, up=True)
    return events


def _events(found: Collector) -> int:
    counted = re.findall(r"tocsin_events_accepted_total\{.*\} (\d+)\n", found.get("/metrics"))
    return sum(map(int, counted))
