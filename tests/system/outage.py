"""What a test of a server's absence looks at: an alarm that begins or ends meanwhile, a collector that goes on."""

import json
import statistics
import time
from typing import Any

from tests.collector.alarms.conftest import Http
from tests.servers.process import until
from tests.system.beside import Collector

FINE = 'node_uname_info{nodename="alpha"} 1\nnode_memory_MemTotal_bytes 100\nnode_memory_MemAvailable_bytes 50\n'
LOW = FINE.replace("_bytes 50", "_bytes 3")
WITHIN_S = 40


class HostAlarm:
    """One host's alarm across a fault: it begins or ends while a server is away."""

    def __init__(self, hook: Http, exporter: Http) -> None:
        self._hook, self._exporter = hook, exporter

    def begins(self) -> None:
        self._exporter.exposition = LOW.encode()

    def ends(self) -> None:
        self._exporter.exposition = FINE.encode()

    def told(self, kind: str) -> list[str]:
        return [
            title
            for title in self._hook.titles()
            if title.startswith(f"[{kind}] Host http://{self._exporter.address}:")
        ]

    def is_told_once(self, kind: str) -> None:
        until(lambda: self.told(kind), f"{kind} in {self._hook.titles()}", WITHIN_S)
        assert len(self.told(kind)) == 1


_sent = iter(range(1_000_000))


def goes_on(found: Collector) -> int:
    """Events are acknowledged and pages come while a server is away; how many events."""
    took: list[float] = []
    while len(took) < 5:
        event = {"type": "prediction", "model": "m", "id": str(next(_sent)), "time": _now(), "prediction": "yes"}
        assert found.send("POST", "/v1/events", json.dumps(event).encode())["accepted"] == 1
        started = time.monotonic()
        found.get("/")
        took.append(time.monotonic() - started)
        found.get("/metrics")
    assert statistics.median(took) < 1
    return len(took)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def says(found: Collector, name: str, **wanted: Any) -> None:
    """Page, JSON and /metrics agree about a server."""

    def so() -> bool:
        said = found.servers()[name]
        return said["up"] == wanted["up"] and wanted.get("fault", "") in said["fault"]

    until(so, f"{name} {wanted}, not {found.servers()[name]}", WITHIN_S)
    assert f'tocsin_server_up{{server="{name}"}} {int(wanted["up"])}\n' in found.get("/metrics")
    page = found.get("/")
    assert wanted.get("fault", "answers") in page
