"""The text format 0.0.4, and OpenMetrics 1.0, whose lines are the same under other heads."""

from collections.abc import Iterable

from pydantic_core import to_json

from tocsin_collector.export.exposition import Column
from tocsin_collector.export.writer import Rows
from tocsin_schema.metric import COUNTER, UNTYPED, Metric, header

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OPENMETRICS_END = b"# EOF\n"


def text_head(metric: Metric) -> bytes:
    """What stands before a family in the text format."""
    return header(metric)


def openmetrics_head(metric: Metric) -> bytes:
    """What stands before a family in OpenMetrics: a counter goes without its ``_total``, a unit only where it ends the
    name, a counter of another name and an untyped metric are ``unknown``."""
    name, kind = metric.name.removesuffix("_total"), metric.type
    if kind != COUNTER:
        name = metric.name
    elif name == metric.name:
        kind = UNTYPED
    lines = [f"# TYPE {name} {'unknown' if kind == UNTYPED else kind}"]
    if metric.unit and name.endswith("_" + metric.unit):
        lines.append(f"# UNIT {name} {metric.unit}")
    lines.append(f"# HELP {name} {escape(metric.help)}")
    return ("\n".join(lines) + "\n").encode()


def escape(value: str) -> str:
    """A label's value as it stands between the quotes."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _template(column: Column) -> bytes:
    """The lines of a column with ``%b`` in the place of each value."""
    shared = _pairs(column.labels.items())
    lines = [_series(column.name, shared + _pairs(zip(column.by, key, strict=True))) for key in column.keys]
    return "".join(lines).replace("%", "%%").replace("\n", " %b\n").encode("utf-8", "replace")


def _pairs(labels: Iterable[tuple[str, str]]) -> list[str]:
    return [f'{name}="{escape(value)}"' for name, value in labels]


def _series(name: str, pairs: list[str]) -> str:
    return f"{name}{{{','.join(pairs)}}}\n" if pairs else f"{name}\n"


def _fill(template: bytes, column: Column) -> bytes:
    """The values have the shortest digits that give them back.

    pydantic-core prints a double eight times as fast as ``repr`` does.
    """
    numbers = to_json(column.values, inf_nan_mode="constants")[1:-1]
    if b"I" in numbers:
        numbers = numbers.replace(b"-Infinity", b"-Inf").replace(b"Infinity", b"+Inf")
    return template % tuple(numbers.split(b","))


LINES = Rows(_template, _fill)
