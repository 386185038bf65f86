"""What Prometheus shall scrape, as a file of its ``file_sd_configs``: the collector, and the agents of its list.

Jobs and instances are those of the embedded fleet (``fleet.Fleet.current``), so that an alert reads the same whoever
judges it. https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config
"""

import asyncio
import json
import logging
import re
import socket
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

from tocsin_collector import wholefile
from tocsin_collector.fleet.address import Address, AddressError, AddressList, address

AGENT_JOB, COLLECTOR_JOB = "tocsin-agent", "tocsin-collector"
Group = dict[str, list[str] | dict[str, str]]

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104  # not listened on here: no address to scrape
_log = logging.getLogger(__name__)


def own_address(listening: str) -> Address:
    """Where the collector's /metrics is scraped: where it listens, by the host's name when that is on all addresses.

    The page's address as people reach it may ask for a person's login.
    """
    parts = urlsplit(listening)
    host = socket.gethostname() if parts.hostname in _WILDCARDS else parts.hostname or ""
    return address(f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port or 80}/metrics")


def groups(own: Address, agents: Iterable[Address]) -> tuple[list[Group], list[str]]:
    """The target groups, one a target, and why some agents have none."""
    found = [_group(own, COLLECTOR_JOB, hostport(own))]
    refused = []
    for agent in agents:
        try:
            found.append(_group(agent, AGENT_JOB, agent.text))
        except AddressError as error:
            refused.append(str(error))
    return found, refused


def hostport(at: Address) -> str:
    """The target as Prometheus writes it."""
    return f"[{at.host}]:{at.port}" if ":" in at.host else f"{at.host}:{at.port}"


def _group(at: Address, job: str, instance: str) -> Group:
    path, _, query = at.path.partition("?")
    labels = {"job": job, "instance": instance}
    if at.tls:
        labels["__scheme__"] = "https"
    if path != "/metrics":
        labels["__metrics_path__"] = path
    for name, value in parse_qsl(query, keep_blank_values=True):
        label = f"__param_{name}"
        if label in labels or not _LABEL.fullmatch(label):
            raise AddressError(f"{at.text!r:.200}: Prometheus cannot ask with {name!r:.60}: one plain name, once")
        labels[label] = value
    return {"targets": [hostport(at)], "labels": labels}


def text(found: Sequence[Group]) -> str:
    """The file's text: the same targets give the same bytes."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


class TargetsFile:
    """Keeps the file as the list of agents wants it. ``fault`` is why it is not, or empty; told in the log once."""

    def __init__(self, path: str, own: Address, agents: Sequence[str], agents_file: str = "") -> None:
        self.path = path
        self.fault = ""
        self._own = own
        self._list = AddressList(agents, agents_file)

    async def run(self, interval_s: float) -> None:
        """Look at every beat until cancelled; a disk that hangs holds up this loop alone."""
        while self.path:
            await asyncio.to_thread(self.follow)
            await asyncio.sleep(interval_s)

    def follow(self) -> None:
        """Write the file when it is not as it should be."""
        fault = self._follow()
        if fault and fault != self.fault:
            _log.warning("targets_file_not_written file=%s reason=%s", self.path, fault)
        self.fault = fault

    def _follow(self) -> str:
        agents = self._list.read()
        if self._list.fault:
            return self._list.fault  # the file keeps what is in it: nobody knows which agents there are
        found, refused = groups(self._own, agents)
        try:
            wanted = text(found).encode()
            if _content(self.path) != wanted:
                wholefile.replace(self.path, wanted, ".new")  # not *.json: no pattern of file_sd_configs finds it
        except (OSError, ValueError) as error:  # ValueError: a lone surrogate, a NUL in the path
            said = error.strerror if isinstance(error, OSError) else str(error)
            return f"prometheus.targets_file {self.path}: cannot be written: {said}; Prometheus scrapes an old list"
        return "; ".join(refused)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
