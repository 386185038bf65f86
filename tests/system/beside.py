"""A collector beside a real Prometheus and a real Alertmanager: its configuration, theirs, and a webhook at the end."""

import contextlib
import json
import re
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tocsin_alerts
from tests.collector.alarms.conftest import Http
from tests.servers.alertmanager import alertmanager
from tests.servers.process import Server, free_port, serving, until
from tests.servers.prometheus import prometheus
from tests.system.gate import Gate
from tocsin_schema.config import toml

PAGE = "http://tocsin.example"
_PROMETHEUS = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}/*.rules.yml"]
scrape_configs:
  - job_name: tocsin
    file_sd_configs: [{{files: ["{targets}"], refresh_interval: 1s}}]
alerting:
  alertmanagers: [{{static_configs: [{{targets: ["{alertmanager}"]}}]}}]
"""
_ALERTMANAGER = """\
route:
  receiver: tocsin
  group_by: [project, model, version, instance]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 4h
receivers:
  - name: tocsin
    webhook_configs: [{{url: "{collector}/v1/notifications", send_resolved: true}}]
"""


class Collector:
    """A real ``tocsin collector``: its process, its page, and how its JSON is asked."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url
        self.slowest_s = 0.0

    def get(self, path: str) -> str:
        """A page; how long the slowest took is kept."""
        started = time.monotonic()
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            text: str = answer.read().decode()
        self.slowest_s = max(self.slowest_s, time.monotonic() - started)
        return text

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def send(self, method: str, path: str, body: bytes, content_type: str = "application/json") -> Any:
        headers = {"Content-Type": content_type}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def servers(self) -> dict[str, Any]:
        """What it says of each server."""
        return {server["server"]: server for server in self.json("/v1/servers")["servers"]}


@contextlib.contextmanager
def collector(folder: Path, port: int, **settings: object) -> Iterator[Collector]:
    """A collector with these settings (``__`` for a dot), its data below ``folder``."""
    folder.mkdir(exist_ok=True)
    values: dict[str, Any] = {
        "listen": f"127.0.0.1:{port}",
        "data_dir": str(folder / "data"),
        "scrape_interval_s": 1,
        "alerting.page_url": PAGE,
        **{name.replace("__", "."): value for name, value in settings.items()},
    }
    config = folder / "collector.toml"
    config.write_text("".join(f"{path} = {toml(value)}\n" for path, value in values.items()))
    command = [sys.executable, "-m", "tocsin_collector", "collector", "--config", str(config)]
    log = str(folder / "collector.log")
    with serving(command, f"http://127.0.0.1:{port}", ready="/-/healthy", log=log) as server:
        yield Collector(server)


def _remarks(found: Collector) -> list[str]:
    return [said["text"] for said in found.servers()["prometheus"]["remarks"]]


@dataclass(frozen=True)
class Beside:
    """The chain: agents and the collector are scraped, rules judge, Alertmanager calls the collector, it the hook.

    Prometheus and the collector reach Alertmanager through the gate."""

    collector: Collector
    prometheus: Server
    alertmanager: Server
    gate: Gate
    hook: Http


@contextlib.contextmanager
def beside(
    folder: Path, agents: list[str], *, asked_at: Callable[[str], str] = str, **settings: object
) -> Iterator[Beside]:
    """The chain over some agents, at one-second settings, once every part of it knows the next.

    The rules are the generated ones; what they wait for in minutes is a second here. ``asked_at`` makes the address at
    which the collector asks Prometheus from its own.
    """
    rules, targets = folder / "rules", folder / "targets.json"
    rules.mkdir()
    for path, text in tocsin_alerts.generated().items():
        (rules / Path(path).name).write_text(re.sub(r"(?m)^( +for:) (1|10)m$", r"\1 1s", text))
    with contextlib.ExitStack() as running:
        hook = running.enter_context(contextlib.closing(Http()))
        (folder / "hooks").write_text(f"json://127.0.0.1:{hook.port}/\n")
        alerts = running.enter_context(alertmanager(str(folder), _ALERTMANAGER.format(collector="http://127.0.0.1:9")))
        gate = running.enter_context(contextlib.closing(Gate(alerts.url)))
        config = _PROMETHEUS.format(rules=rules, targets=targets, alertmanager=gate.url.removeprefix("http://"))
        metrics = running.enter_context(prometheus(str(folder), config))
        port = free_port()  # late, and taken at once: others look for free ports too
        started = collector(
            folder / "collector",
            port,
            agents=agents,
            alerting__judge="prometheus",
            alerting__targets_file=str(folder / "hooks"),
            prometheus__url=asked_at(metrics.url),
            prometheus__targets_file=str(targets),
            alertmanager__url=gate.url,
            **settings,
        )
        found = running.enter_context(started)
        (folder / "alertmanager.yml").write_text(_ALERTMANAGER.format(collector=found.url))
        urllib.request.urlopen(urllib.request.Request(alerts.url + "/-/reload", method="POST"), timeout=10).close()
        count, alarms = len(agents), len(tocsin_alerts.alerts())
        wanted = [
            f"scrapes the collector, {count} of {count} agents",
            f"has {alarms} of our {alarms} alerts",
            "hands alerts to 1 Alertmanager",
        ]
        until(lambda: _remarks(found) == wanted, f"Prometheus says {wanted}; see {found.url}/v1/servers")
        yield Beside(found, metrics, alerts, gate, hook)
