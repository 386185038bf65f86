"""The fleet: scrapes every agent at one beat, keeps a ring an agent, and says who is gone.

A failed scrape adds nothing to a ring: its last values stay as history with their times, and ``AgentView.up`` and
``age_s`` tell that they are not the present. ``up`` itself is a series here as it is in Prometheus.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tocsin_alerts.alert import Match
from tocsin_collector.export.exposition import Sample
from tocsin_collector.fleet import rates
from tocsin_collector.fleet.address import Address, AddressList
from tocsin_collector.fleet.exposition import ExpositionError, parse
from tocsin_collector.fleet.ring import Ring, Series
from tocsin_collector.fleet.scrape import ScrapeError, fetch

Floats = NDArray[np.float64]
OWN = "collector"
"""The name under which the collector's own series stand, when it is given them."""

_log = logging.getLogger(__name__)
_AT_ONCE = 64
FIRST_BEAT_S = 0.25
_JOB = {"job": "tocsin-agent"}


@dataclass(frozen=True, slots=True)
class AgentView:
    """What can be told of one agent now. ``age_s`` is the time since its last good scrape, None when there was none."""

    address: str
    name: str
    up: bool
    age_s: float | None
    error: str
    series: int
    dropped: int
    duration_s: float | None


@dataclass(slots=True)
class _Agent:
    address: Address
    ring: Ring = field(default_factory=Ring)
    up: bool = False
    scraped_s: float | None = None
    error: str = "not scraped yet"
    duration_s: float | None = None


class Fleet:
    """The agents and their rings. ``run`` scrapes until cancelled; everything else may be read from any thread."""

    def __init__(
        self,
        agents: Sequence[str] = (),
        agents_file: str = "",
        *,
        interval_s: float = 5.0,
        clock: Callable[[], float] = time.time,
        own: Callable[[], Awaitable[Iterable[Sample]]] | None = None,
    ) -> None:
        self.interval_s = interval_s
        self._list = AddressList(agents, agents_file)
        self._clock = clock
        self._own = own
        self._own_ring = Ring()
        self._agents: dict[str, _Agent] = {}
        self._outcomes = dict.fromkeys(
            ("ok", "unreachable", "timeout", "status", "too_large", "malformed", "failed"), 0
        )
        self._round_s = 0.0

    async def run(self) -> None:
        """Scrape at every beat until cancelled. The first beats are short: a rate, and so a page, needs two points.

        A round that fails as a whole is logged and counted, and the next one tried.
        """
        beat_s = FIRST_BEAT_S
        while True:
            started = time.monotonic()
            try:
                await self.scrape()
            except Exception:
                self._outcomes["failed"] += 1
                _log.exception("fleet_round_failed")
            beat_s = min(self.interval_s, beat_s * 2)
            await asyncio.sleep(max(0.05, beat_s - (time.monotonic() - started)))

    async def scrape(self) -> None:
        """One round: read the list again, scrape all agents side by side."""
        self._follow(self._list.read())
        gate = asyncio.Semaphore(_AT_ONCE)
        if self._own is not None:
            own = [(name, tuple(sorted(labels.items())), value) for name, labels, value in await self._own()]
            self._own_ring.append(self._clock(), own)
        await asyncio.gather(*(self._scrape(agent, gate) for agent in list(self._agents.values())))
        self._round_s = self._clock()

    def _follow(self, addresses: list[Address]) -> None:
        known = self._agents
        self._agents = {item.text: known.get(item.text) or _Agent(item) for item in addresses}

    async def _scrape(self, agent: _Agent, gate: asyncio.Semaphore) -> None:
        async with gate:
            started = time.monotonic()
            outcome = "ok"
            try:
                body = await fetch(agent.address, min(self.interval_s, 10.0))
                samples = await asyncio.to_thread(parse, body)
                agent.ring.append(self._clock(), samples)
                agent.up, agent.error, agent.scraped_s = True, "", self._clock()
            except ExpositionError as error:
                outcome, agent.up = "malformed", False
                agent.error = f"answers, but not in the exposition format: {error}"
            except ScrapeError as error:
                outcome, agent.up, agent.error = error.outcome, False, str(error)
            agent.duration_s = time.monotonic() - started
            self._outcomes[outcome] += 1

    # --- reading ------------------------------------------------------------------------------------------------------

    def agents(self) -> list[AgentView]:
        """Every agent of the list, in its order; texts that are no addresses stand at the end with their reason."""
        now = self._clock()
        views = [self._view(agent, now) for agent in list(self._agents.values())]
        refused = dict(self._list.refused)
        if self._list.fault:
            refused["agents_file"] = self._list.fault
        return views + [AgentView(text, text, False, None, reason, 0, 0, None) for text, reason in refused.items()]

    def _view(self, agent: _Agent, now: float) -> AgentView:
        age = None if agent.scraped_s is None else max(0.0, now - agent.scraped_s)
        return AgentView(
            address=agent.address.text,
            name=self._name(agent),
            up=agent.up,
            age_s=age,
            error=agent.error,
            series=len(agent.ring),
            dropped=agent.ring.dropped,
            duration_s=agent.duration_s,
        )

    @staticmethod
    def _name(agent: _Agent) -> str:
        labels, _, _ = agent.ring.select("node_uname_info")
        return (labels[-1].get("nodename") if labels else "") or f"{agent.address.host}:{agent.address.port}"

    def ring(self, agent: str) -> Ring:
        """The ring of an agent by its address; an unknown one has an empty ring. ``OWN`` has the collector's."""
        if agent == OWN:
            return self._own_ring
        known = self._agents.get(agent)
        return known.ring if known else Ring(points=1)

    def series(self, agent: str, name: str, match: Iterable[Match] = ()) -> list[Series]:
        """An agent's series of a name, oldest point first, whether it is up or gone."""
        labels, times, values = self.ring(agent).select(name, match)
        return [Series(each, times, row) for each, row in zip(labels, values, strict=True)]

    def rate(self, agent: str, name: str, match: Iterable[Match] = ()) -> tuple[Floats, Floats]:
        """The rate of a counter, summed over its series: times and gain a second of the interval that ends there."""
        _, times, values = self.ring(agent).select(name, match)
        return times[1:], rates.total(rates.rates(times, values))

    def total_rate(self, grid: Floats, name: str, match: Iterable[Match] = ()) -> Floats:
        """The rate summed over all agents at each time of a grid, NaN where no agent had a fresh value."""
        conditions = tuple(match)
        rows = [
            rates.on_grid(grid, *self.rate(agent, name, conditions), self.interval_s * 2.5) for agent in [*self._agents]
        ]
        return rates.total(np.array(rows)) if rows else np.full(len(grid), np.nan)

    def quantiles(
        self, grid: Floats, name: str, match: Iterable[Match], window_s: float, q: Sequence[float]
    ) -> list[Floats]:
        """Quantiles of a classic histogram (``name`` without ``_bucket``) over all agents, of the window that ends at
        each time of the grid; NaN where nothing was counted in it."""
        bounds, gained = self._bucket_gains(grid, name, tuple(match), window_s)
        columns = gained.T if len(bounds) else np.zeros((len(grid), 0))
        return [np.array([rates.quantile(bounds, column, each) for column in columns]) for each in q]

    def _bucket_gains(
        self, grid: Floats, name: str, match: tuple[Match, ...], window_s: float
    ) -> tuple[Floats, Floats]:
        found: dict[float, Floats] = {}
        for agent in [*self._agents]:
            labels, times, values = self.ring(agent).select(name + "_bucket", match)
            grown = np.nancumsum(rates.increases(values), axis=1)
            for each, row in zip(labels, grown, strict=True):
                now = rates.on_grid(grid, times[1:], row, np.inf)
                before = rates.on_grid(grid - window_s, times[1:], row, np.inf)
                gain = np.nan_to_num(now) - np.nan_to_num(before)
                bound = _bound(each.get("le", ""))
                found[bound] = found.get(bound, np.zeros(len(grid))) + gain
        bounds = np.array(sorted(found))
        return bounds, np.array([found[bound] for bound in bounds.tolist()]).reshape(len(bounds), len(grid))

    def current(self, name: str, match: Iterable[Match] = ()) -> Iterator[tuple[dict[str, str], Floats, Floats]]:
        """The series of a name of every agent that is up, with ``instance`` and ``job`` as Prometheus would add them.

        ``up`` is 1 or 0 for every agent of the list.
        """
        conditions = tuple(match)
        for text, agent in list(self._agents.items()):
            target = _JOB | {"instance": text}
            labels: list[dict[str, str]]
            if name == "up":
                labels, times, values = [{}], np.array([self._round_s]), np.array([[float(agent.up)]])
            elif agent.up:
                labels, times, values = agent.ring.select(name)
            else:
                continue
            for each, row in zip(labels, values, strict=True):
                if all(condition.fits(each | target) for condition in conditions):
                    yield each | target, times, row
        yield from self._own_current(name, conditions)

    def _own_current(self, name: str, conditions: tuple[Match, ...]) -> Iterator[tuple[dict[str, str], Floats, Floats]]:
        labels, times, values = self._own_ring.select(name)
        for each, row in zip(labels, values, strict=True):
            full = each | {"job": "tocsin-collector", "instance": OWN}
            if all(condition.fits(full) for condition in conditions):
                yield full, times, row

    def gone(self) -> set[str]:
        """Addresses of agents that are listed and did not answer the last scrape."""
        return {text for text, agent in list(self._agents.items()) if not agent.up}

    def samples(self) -> Iterator[Sample]:
        """The fleet's own metrics."""
        agents = list(self._agents.values())
        up = sum(agent.up for agent in agents)
        yield Sample("tocsin_fleet_agents", {"state": "up"}, up)
        yield Sample("tocsin_fleet_agents", {"state": "gone"}, len(agents) - up)
        for outcome, count in self._outcomes.items():
            yield Sample("tocsin_fleet_scrapes_total", {"outcome": outcome}, count)
        yield Sample("tocsin_fleet_series", {}, sum(len(agent.ring) for agent in agents))
        yield Sample("tocsin_fleet_samples_dropped_total", {}, sum(agent.ring.dropped for agent in agents))
        yield Sample("tocsin_fleet_round_timestamp_seconds", {}, self._round_s)


def _bound(text: str) -> float:
    with contextlib.suppress(ValueError):
        return float(text)
    return float("inf")
