"""A comparison as HTML: one file with everything in it, the same bytes each time."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from tocsin_collector.page.charts import shares
from tocsin_collector.page.health import METHODS
from tocsin_collector.page.numbers import number, ratio

if TYPE_CHECKING:
    from tocsin_collector.reports.comparison import Comparison

_HERE = Path(__file__).parent
MOST_CHARTS = 40
"""Of the features that differ most; the table has all."""


def fragment(comparison: "Comparison") -> str:
    """For a notebook's cell."""
    return str(_template("comparison.html").render(_shown(comparison)))


def page(comparison: "Comparison", title: str) -> str:
    """For a file of its own."""
    return str(_template("page.html").render(_shown(comparison), title=title))


def _shown(comparison: "Comparison") -> dict[str, object]:
    charts = list(comparison.features.values())[:MOST_CHARTS]
    return {
        "found": comparison,
        "charts": [
            (one, shares(one.distribution.reference, one.distribution.current, one.distribution.cells, one.name))
            for one in charts
        ],
        "style": Markup((_HERE / "comparison.css").read_text()),  # noqa: S704 - a file of ours
        "methods": METHODS,
    }


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"ratio": ratio, "number": number}
    return environment.get_template(name)
