"""The catalogue of alerts, found by listing ``groups/``, and their runbooks."""

import importlib
import importlib.resources
import pkgutil

from tocsin_alerts import groups
from tocsin_alerts.alert import Alert


def by_group() -> dict[str, tuple[Alert, ...]]:
    """The alerts of each file of ``groups/``, files in alphabetical order."""
    names = sorted(module.name for module in pkgutil.iter_modules(groups.__path__))
    return {name: importlib.import_module(f"{groups.__name__}.{name}").ALERTS for name in names}


def alerts() -> dict[str, Alert]:
    """Every alert by its name."""
    return {alert.name: alert for group in by_group().values() for alert in group}


def runbook(name: str) -> str | None:
    """The runbook of an alert as Markdown, None when there is no such alert."""
    if name not in alerts():
        return None
    return (importlib.resources.files("tocsin_alerts") / "runbooks" / f"{name}.md").read_text(encoding="utf-8")
