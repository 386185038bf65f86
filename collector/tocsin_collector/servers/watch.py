"""The watch of the configured servers: each is asked in a task of its own, so that a slow one holds up itself alone."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tocsin_collector.export.exposition import Sample
from tocsin_collector.logs.contract import State
from tocsin_collector.servers import alertmanager, grafana, prometheus
from tocsin_collector.servers.ask import Access, Unanswered, shown
from tocsin_collector.servers.seen import Remark, Seen

LONGEST_LOOK_S = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """A server: its name in /metrics and on the page, where it is, and how to look at it (raises Unanswered)."""

    name: str
    url: str
    look: Callable[[], Awaitable[Seen]]


@dataclass(frozen=True, slots=True)
class ServerView:
    """What can be told of one server. ``up`` is None until it was asked; ``since_s`` is when that began.

    ``fault`` is why it does not answer, in one line.
    """

    name: str
    url: str
    up: bool | None = None
    since_s: float | None = None
    last_answer_s: float | None = None
    version: str = ""
    fault: str = ""
    remarks: tuple[Remark, ...] = ()


def configured(values: dict[str, Any], logs: Callable[[], State]) -> list[Watched]:
    """The servers that the settings name; ``logs`` tells how the log store is, which watches its own server."""
    found = []
    if values["prometheus.url"]:
        found.append(_prometheus(values))
    if values["alertmanager.url"]:
        access = _access("alertmanager", values)
        found.append(Watched("alertmanager", access.shown, lambda: alertmanager.look(access)))
    if values["grafana.url"]:
        boards = _access("grafana", values)
        found.append(Watched("grafana", boards.shown, lambda: grafana.look(boards)))
    if values["elasticsearch.urls"]:
        urls = ", ".join(filter(None, map(shown, values["elasticsearch.urls"])))
        found.append(Watched("elasticsearch", urls, lambda: _store(logs())))
    return found


async def _store(state: State) -> Seen:
    if not state.up:
        raise Unanswered(state.error)
    return Seen(state.version, (Remark(state.error, bad=True),) if state.error else ())


def _prometheus(values: dict[str, Any]) -> Watched:
    access = _access("prometheus", values)
    judges, file = values["alerting.judge"] == "prometheus", values["prometheus.targets_file"]
    return Watched("prometheus", access.shown, lambda: prometheus.look(access, judges=judges, targets_file=file))


def _access(name: str, values: dict[str, Any]) -> Access:
    keys = ("url", "token_file", "username", "password_file", "ca_file")
    return Access(name, *(values[f"{name}.{key}"] for key in keys))


class Watch:
    """Looks at servers until cancelled; everything else may be read from any thread."""

    def __init__(self, servers: Sequence[Watched], interval_s: float, clock: Callable[[], float] = time.time) -> None:
        self._servers = list(servers)
        self._interval_s = interval_s
        self._clock = clock
        self._views = {server.name: ServerView(server.name, server.url) for server in servers}

    async def run(self) -> None:
        """Look at every server at every beat until cancelled."""
        await asyncio.gather(*(self._follow(server) for server in self._servers))

    async def look(self) -> None:
        """Look at every server once."""
        await asyncio.gather(*(self._look(server) for server in self._servers))

    async def _follow(self, server: Watched) -> None:
        while True:
            started = time.monotonic()
            await self._look(server)
            await asyncio.sleep(max(0.1, self._interval_s - (time.monotonic() - started)))

    async def _look(self, server: Watched) -> None:
        seen, fault = Seen(""), ""
        try:
            async with asyncio.timeout(LONGEST_LOOK_S):
                seen = await server.look()
        except Unanswered as error:
            fault = str(error)
        except TimeoutError:
            fault = f"no whole answer within {LONGEST_LOOK_S:g} s"
        except Exception as error:  # what it answered tripped us up: this server's line, and the next look
            _log.exception("server_look_failed server=%s", server.name)
            fault = f"answers what is not understood ({type(error).__name__})"
        self._note(server, seen, fault)

    def _note(self, server: Watched, seen: Seen, fault: str) -> None:
        known, now, up = self._views[server.name], self._clock(), not fault
        if known.up is not up and (fault or known.up is False):
            level = logging.WARNING if fault else logging.INFO
            word = "unanswered" if fault else "answers"
            _log.log(level, "server_%s server=%s url=%s reason=%s", word, server.name, server.url, fault or "back")
        self._views[server.name] = ServerView(
            name=server.name,
            url=server.url,
            up=up,
            since_s=known.since_s if known.up is up else now,
            last_answer_s=now if up else known.last_answer_s,
            version=seen.version if up else known.version,
            fault=fault,
            remarks=seen.remarks,
        )

    def views(self) -> list[ServerView]:
        """Every configured server, in the order of the settings."""
        return list(self._views.values())

    def samples(self) -> Iterator[Sample]:
        """The watch's own metrics."""
        for view in self.views():
            if view.up is not None:
                yield Sample("tocsin_server_up", {"server": view.name}, int(view.up))
        for view in self.views():
            if view.last_answer_s is not None:
                yield Sample("tocsin_server_last_answer_timestamp_seconds", {"server": view.name}, view.last_answer_s)
