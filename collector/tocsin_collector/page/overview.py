"""The overview: what fires, the models worst first, the fleet."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from tocsin_alerts.alert import Match
from tocsin_collector.fleet import AgentView, host
from tocsin_collector.page import charts, health, links
from tocsin_collector.page.address import model_path
from tocsin_collector.page.numbers import shown
from tocsin_collector.page.view import Sources
from tocsin_collector.verdict import ModelKey, ModelView, QualityVerdict, WindowVerdict

STRIP = 31
MOST_MODELS, MOST_AGENTS = 200, 100


@dataclass(frozen=True, slots=True)
class Tile:
    """One measure of a host: its name, its newest value, its curve."""

    name: str
    value: str
    curve: Markup
    note: str = ""
    query: str = ""
    """Where the number is looked at further, in Prometheus."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent and its tiles; a gone one has no values, only its curves' past."""

    agent: AgentView
    tiles: list[Tile]
    gpus: list[tuple[str, list[Tile]]]
    board: str = ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in one line."""

    view: ModelView
    href: str
    health: health.Health
    newest: WindowVerdict | None
    strip: list[tuple[WindowVerdict, str]]
    traffic: float | None
    traffic_query: str
    quality: list[tuple[str, float, float | None, str]]


def context(sources: Sources) -> dict[str, object]:
    """What the template needs."""
    views = list(sources.views())
    rows = sorted((_model(view, sources) for view in views), key=_worst_first)
    agents = sources.fleet.agents()
    return {
        "models": rows[:MOST_MODELS],
        "models_total": len(rows),
        "agents": [_agent(agent, sources) for agent in agents[:MOST_AGENTS]],
        "agents_total": len(agents),
        "agents_up": sum(agent.up for agent in agents),
        "over_quota": sources.over_quota(),
        "servers": sources.servers(),
        "servers_fault": sources.servers_fault(),
    }


def requests(key: ModelKey) -> tuple[Match, ...]:
    """The labels of a model's series."""
    return tuple(Match(name, "=", value) for name, value in key._asdict().items())


def _worst_first(row: ModelRow) -> tuple[int, int, ModelKey]:
    order = {health.ALARM: 0, health.UNKNOWN: 1, health.OK: 2}[row.health.state]
    return order, -len(row.newest.reasons) if row.newest else 0, row.view.key


def _model(view: ModelView, sources: Sources) -> ModelRow:
    now = np.array([sources.clock()])
    traffic = float(sources.fleet.total_rate(now, "tocsin_inference_requests_total", requests(view.key))[0])
    labelled = health.labelled(view)
    quality = labelled.quality if labelled else None
    scores = health.in_order(quality.scores)[:1] if quality else []
    return ModelRow(
        view=view,
        href=model_path(*view.key),
        health=health.of_model(view),
        newest=view.verdicts[-1] if view.verdicts else None,
        strip=[(verdict, health.of_window(verdict)) for verdict in view.verdicts[-STRIP:]],
        traffic=None if np.isnan(traffic) else traffic,
        traffic_query="" if np.isnan(traffic) else sources.links.query(links.requests_query(view.key)),
        quality=[_score(view.key, quality, name, sources) for name in scores] if quality else [],
    )


def _score(key: ModelKey, quality: QualityVerdict, name: str, sources: Sources) -> tuple[str, float, float | None, str]:
    query = sources.links.query(links.score_query(key, name), "1d")
    return health.NAMES.get(name, name), quality.scores[name], quality.baseline.get(name), query


def _agent(agent: AgentView, sources: Sources) -> AgentRow:
    def query(name: str) -> str:
        return sources.links.query(links.host_query(name, agent.address))

    tiles = [_tile(curve, agent, query(curve.name)) for curve in host.curves(sources.fleet, agent.address)]
    full = host.fullest(sources.fleet, agent.address)
    if full and agent.up:
        tiles.insert(2, Tile("Fullest disk", shown(full[1], "ratio"), _bar(full[1]), full[0], query("Fullest disk")))
    gpus = [(gpu.name, _gpu(gpu, agent, sources)) for gpu in host.gpus(sources.fleet, agent.address)]
    return AgentRow(agent, tiles, gpus, sources.links.host(agent.address))


def _gpu(gpu: host.Gpu, agent: AgentView, sources: Sources) -> list[Tile]:
    queries = [sources.links.query(links.gpu_query(curve.name, agent.address, gpu.name)) for curve in gpu.curves]
    return [_tile(curve, agent, query) for curve, query in zip(gpu.curves, queries, strict=True)]


def _tile(curve: host.Curve, agent: AgentView, query: str) -> Tile:
    high = 1.0 if curve.unit == "ratio" else None
    value = shown(curve.last, curve.unit) if agent.up else ""
    spark = charts.sparkline(curve.times, curve.values, f"{curve.name}, {value or 'gone'}", 0.0, high)
    return Tile(curve.name, value, spark, query=query)


def _bar(share: float) -> Markup:
    return charts.meter(share, None, f"{share:.0%} used")
