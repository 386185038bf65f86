"""The overview: what fires, the models worst first, the fleet."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from tocsin_alerts.alert import Match
from tocsin_collector.fleet import AgentView, host
from tocsin_collector.page import charts, health
from tocsin_collector.page.address import model_path
from tocsin_collector.page.numbers import shown
from tocsin_collector.page.view import Sources
from tocsin_collector.verdict import ModelKey, ModelView, WindowVerdict

STRIP = 31
MOST_MODELS, MOST_AGENTS = 200, 100


@dataclass(frozen=True, slots=True)
class Tile:
    """One measure of a host: its name, its newest value, its curve."""

    name: str
    value: str
    curve: Markup
    note: str = ""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent and its tiles; a gone one has no values, only its curves' past."""

    agent: AgentView
    tiles: list[Tile]
    gpus: list[tuple[str, list[Tile]]]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in one line."""

    view: ModelView
    href: str
    health: health.Health
    newest: WindowVerdict | None
    strip: list[tuple[WindowVerdict, str]]
    traffic: float | None
    quality: list[tuple[str, float, float | None]]


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
    quality = health.labelled(view)
    scores = health.in_order(quality.scores)[:1] if quality else []
    return ModelRow(
        view=view,
        href=model_path(*view.key),
        health=health.of_model(view),
        newest=view.verdicts[-1] if view.verdicts else None,
        strip=[(verdict, health.of_window(verdict)) for verdict in view.verdicts[-STRIP:]],
        traffic=None if np.isnan(traffic) else traffic,
        quality=[(health.NAMES.get(n, n), quality.scores[n], quality.baseline.get(n)) for n in scores]
        if quality
        else [],
    )


def _agent(agent: AgentView, sources: Sources) -> AgentRow:
    tiles = [_tile(curve, agent) for curve in host.curves(sources.fleet, agent.address)]
    full = host.fullest(sources.fleet, agent.address)
    if full and agent.up:
        tiles.insert(2, Tile("Fullest disk", shown(full[1], "ratio"), _bar(full[1]), full[0]))
    found = host.gpus(sources.fleet, agent.address)
    return AgentRow(agent, tiles, [(gpu.name, [_tile(curve, agent) for curve in gpu.curves]) for gpu in found])


def _tile(curve: host.Curve, agent: AgentView) -> Tile:
    high = 1.0 if curve.unit == "ratio" else None
    value = shown(curve.last, curve.unit) if agent.up else ""
    return Tile(
        curve.name, value, charts.sparkline(curve.times, curve.values, f"{curve.name}, {value or 'gone'}", 0.0, high)
    )


def _bar(share: float) -> Markup:
    return charts.meter(share, None, f"{share:.0%} used")
