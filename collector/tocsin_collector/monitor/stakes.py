"""The floors and costs of the configuration, by model."""

import shlex
from typing import Any

from tocsin_collector.monitor.monitor import Name
from tocsin_collector.quality import FALLS, RISES, Stakes
from tocsin_schema.config import ConfigError

_FLOOR = "quality.floors: {!r:.80}: PROJECT MODEL SCORE VALUE expected, as in 'shop credit auc 0.7'"
_COST = "quality.costs: {!r:.80}: PROJECT MODEL LABEL PREDICTED COST expected, as in 'shop credit bad good 1200'"


def stakes(values: dict[str, Any]) -> dict[Name, Stakes]:
    """What is stated of each model. Raises ConfigError with all faults."""
    found: dict[Name, Stakes] = {}
    faults = [_floor(text, found) for text in values["quality.floors"]]
    faults += [_cost(text, found) for text in values["quality.costs"]]
    if any(faults):
        raise ConfigError([fault for fault in faults if fault])
    return found


def _floor(text: str, found: dict[Name, Stakes]) -> str | None:
    parts = _split(text)
    value = _number(parts[-1:])
    if len(parts) != 4 or value is None:
        return _FLOOR.format(text)
    if parts[2] not in (*RISES, *FALLS):
        return f"quality.floors: {text!r:.80}: {parts[2]!r:.40} is no score: one of {', '.join((*RISES, *FALLS))}"
    found.setdefault(Name(*parts[:2]), Stakes()).floors[parts[2]] = value
    return None


def _cost(text: str, found: dict[Name, Stakes]) -> str | None:
    parts = _split(text)
    value = _number(parts[-1:])
    if len(parts) != 5 or value is None:
        return _COST.format(text)
    found.setdefault(Name(*parts[:2]), Stakes()).costs[parts[2], parts[3]] = value
    return None


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)  # a class of several words stands in quotes
    except ValueError:
        return []


def _number(parts: list[str]) -> float | None:
    try:
        value = float(parts[0])
    except (IndexError, ValueError):
        return None
    return value if abs(value) < float("inf") else None
