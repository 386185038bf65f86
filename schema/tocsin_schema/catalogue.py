"""The metric catalogue: every name that tocsin emits, plots or alerts on, found by listing ``metrics/``."""

import importlib
import pkgutil

from tocsin_schema import metrics
from tocsin_schema.metric import Metric


class CatalogueError(Exception):
    """A file of the catalogue contradicts another one or the naming rules."""


def groups() -> dict[str, tuple[Metric, ...]]:
    """The groups by file name, in alphabetical order; each is the ``METRICS`` tuple of one file."""
    names = sorted(module.name for module in pkgutil.iter_modules(metrics.__path__))
    return {name: importlib.import_module(f"{metrics.__name__}.{name}").METRICS for name in names}


def catalogue() -> dict[str, Metric]:
    """Every metric by name. Raises CatalogueError when two files claim one name."""
    found: dict[str, Metric] = {}
    for group, entries in groups().items():
        for metric in entries:
            if metric.name in found:
                raise CatalogueError(f"{metric.name} stands twice in the catalogue, once in metrics/{group}.py")
            found[metric.name] = metric
    return found
