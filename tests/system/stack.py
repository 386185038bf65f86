"""The whole stack as an operator has it: the demo's agent and collector, beside them the real servers.

Prometheus finds agent and collector by the file that the collector writes; the agent sees two GPUs of the fake NVML
library; the collector ships its logs to Elasticsearch and knows every server by its configuration.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.agent.gpu.conftest import HERE as GPU
from tests.agent.gpu.conftest import Control
from tests.servers.alertmanager import alertmanager
from tests.servers.elasticsearch import elasticsearch
from tests.servers.grafana import PASSWORD, USER, grafana
from tests.servers.process import Server
from tests.servers.prometheus import prometheus
from tests.system import planted
from tests.system.terminal import Terminal, demo

ALARM_WITHIN_S = 240
_PROMETHEUS = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: tocsin
    file_sd_configs: [{{files: ["{targets}"], refresh_interval: 1s}}]
"""
Work = Callable[[Control], contextlib.AbstractContextManager[object]]
_SXID = "3,1,99,-;nvidia-nvswitch0: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 egress non-posted PRIV error\n"
_ALERTMANAGER = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass(frozen=True)
class Stack:
    """Where everything is; ``environ`` is the configuration that the collector was started with."""

    page: str
    terminal: Terminal
    prometheus: Server
    alertmanager: Server
    grafana: Server
    elasticsearch: Server
    gpus: Control
    environ: dict[str, str]


@contextlib.contextmanager
def stack(folder: Path, days_per_second: float = 2, work: Work = contextlib.nullcontext) -> Iterator[Stack]:
    """Everything, until the demo has raised its alarm: predictions, drift, quality, logs, GPUs have series then.

    ``work`` is what the GPUs do meanwhile.
    """
    rules, targets, password = folder / "rules", folder / "targets.json", folder / "password"
    rules.mkdir()
    password.write_text(PASSWORD)
    library = _library(folder)
    gpus = _gpus(folder)
    with contextlib.ExitStack() as running:
        running.callback(gpus.close)
        running.enter_context(work(gpus))
        config = _PROMETHEUS.format(rules=rules, targets=targets)
        search = running.enter_context(elasticsearch(str(folder), "9.2.0"))
        metrics = running.enter_context(prometheus(str(folder), config))
        alerts = running.enter_context(alertmanager(str(folder), _ALERTMANAGER))
        boards = running.enter_context(grafana(str(folder)))
        environ = {
            "TOCSIN_PROMETHEUS_URL": metrics.url,
            "TOCSIN_PROMETHEUS_TARGETS_FILE": str(targets),
            "TOCSIN_PROMETHEUS_RULES_DIR": str(rules),
            "TOCSIN_ALERTMANAGER_URL": alerts.url,
            "TOCSIN_GRAFANA_URL": boards.url,
            "TOCSIN_GRAFANA_USERNAME": USER,
            "TOCSIN_GRAFANA_PASSWORD_FILE": str(password),
            "TOCSIN_ELASTICSEARCH_URLS": search.url,
            **planted.QUOTA,
        }
        kmsg = folder / "kmsg"
        kmsg.touch()
        fake = {"LD_LIBRARY_PATH": str(library), "TOCSIN_FAKE_NVML": str(gpus.path), "TOCSIN_AGENT_KMSG": str(kmsg)}
        terminal = running.enter_context(demo(days_per_second, **environ, **fake))
        page = terminal.wait(r"page +(http://\S+)", 60)[1]
        terminal.wait(r"\[\w+\] Model flights.*", ALARM_WITHIN_S)
        kmsg.write_text(_SXID)  # the agent has long been reading by now
        planted.plant(page)
        yield Stack(page, terminal, metrics, alerts, boards, search, gpus, environ)


def _gpus(folder: Path) -> Control:
    """A whole GPU, and one that is cut: an instance with a process and work in it."""
    gpus = Control(folder / "gpus", 2)
    gpus.cut(1, (0, 9, 0, 1, 10, 4 << 30, 0))
    gpus.put(1, "process_instance", 0, 1 + (9 << 8))
    for part in (2, 5):
        gpus.share(1, part, 50, instance=9)
    return gpus


def _library(folder: Path) -> Path:
    target = folder / "nvml"
    target.mkdir()
    source, made = GPU / "fake_nvml.c", target / "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", made, source], check=True)
    return target


def collector_environ(stack: Stack) -> dict[str, str]:
    """The environment of a command of the collector that works on this stack."""
    return {**os.environ, **stack.environ}
