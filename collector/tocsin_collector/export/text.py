"""The text format 0.0.4, and OpenMetrics 1.0, whose lines are the same under other heads."""

from collections.abc import Iterable, Sequence

from pydantic_core import to_json

from tocsin_collector.export.exposition import CLASSIC, AnyColumn, Histograms
from tocsin_collector.export.writer import Fill
from tocsin_schema.metric import COUNTER, UNTYPED, Metric, header

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


def lines(_: Metric, column: AnyColumn) -> Fill:
    """The lines of a column's series."""
    shared = _pairs(column.labels.items())
    series = [(column.name, shared + _pairs(zip(column.by, key, strict=True))) for key in column.keys]
    if isinstance(column, Histograms):
        template = _template([line for name, pairs in series for line in _classic(name, pairs)])
        return lambda column: template % _numbers([number for each in column.values for number in each.series()])
    template = _template(series)
    return lambda column: template % _numbers(column.values)


def _pairs(labels: Iterable[tuple[str, str]]) -> list[str]:
    return [f'{name}="{escape(value)}"' for name, value in labels]


def _classic(name: str, pairs: list[str]) -> Iterable[tuple[str, list[str]]]:
    """The series of a histogram."""
    for suffix, le in CLASSIC:
        yield name + suffix, [*pairs, f'le="{le}"'] if le else pairs


def _template(series: Iterable[tuple[str, list[str]]]) -> bytes:
    """The lines of series with ``%b`` in the place of each value."""
    found = [f"{name}{{{','.join(pairs)}}}\n" if pairs else f"{name}\n" for name, pairs in series]
    return "".join(found).replace("%", "%%").replace("\n", " %b\n").encode("utf-8", "replace")


def _numbers(values: Sequence[float]) -> tuple[bytes, ...]:
    """The shortest digits that give the values back.

    pydantic-core prints a double eight times as fast as ``repr`` does.
    """
    numbers = to_json(values, inf_nan_mode="constants")[1:-1]
    if b"I" in numbers:
        numbers = numbers.replace(b"-Infinity", b"-Inf").replace(b"Infinity", b"+Inf")
    return tuple(numbers.split(b","))
