"""Families of metrics as text, format 0.0.4, and the same text as OpenMetrics 1.0. (``protobuf`` has the third one.)

A hot source builds one bytes template when its set of series changes and fills it at each scrape (``template``); one
with a few series, or with series that come and go, writes them as they are (``family``).
"""

from tocsin_schema.metric import header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeAlias

    from tocsin_schema.metric import Metric
    from tocsin_schema.native import Native

    Natives: TypeAlias = Mapping[bytes, Native]
    """By the series that has a histogram's count, as it stands in the text: ``b'x_seconds_count{model="a"}'``."""

HELP = b"# HELP "
END = b"# EOF\n"
"""How a text of OpenMetrics ends."""


class Text(bytes):
    """Families whose histograms are known in finer buckets than the text can say: the protobuf format asks for them."""

    natives: "Callable[[], Natives]"

    @classmethod
    def of(cls, text: bytes, natives: "Callable[[], Natives]") -> "Text":
        """A text, and what gives its native histograms when somebody asks."""
        made = cls(text)
        made.natives = natives
        return made


def series(name: str, labels: "Mapping[str, str]") -> bytes:
    """One series without its value: ``b'node_cpu_seconds_total{cpu="0",mode="idle"}'``."""
    if not labels:
        return name.encode()
    inside = b",".join(b'%b="%b"' % (label.encode(), escape(value)) for label, value in labels.items())
    return b"%b{%b}" % (name.encode(), inside)


def escape(value: str) -> bytes:
    """A label's value as it stands between the quotes; what UTF-8 cannot say (a lone surrogate) becomes ``?``."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"').encode("utf-8", "replace")


def template(metric: "Metric", rows: "Iterable[Mapping[str, str]]", unit: bytes = b"") -> bytes:
    """One family with ``%b`` in the place of each value, for ``template % values``; b"" when there is no row.

    ``unit`` is an exponent that turns the kernel's integer into the base unit without arithmetic: ``b"e-2"`` for
    ticks of 1/100 s. Both formats, and every parser of them, read ``1234e-2``.
    """
    lines = [series(metric.name, labels).replace(b"%", b"%%") + b" %b" + unit + b"\n" for labels in rows]
    return header(metric).replace(b"%", b"%%") + b"".join(lines) if lines else b""


def family(metric: "Metric", rows: "Iterable[tuple[Mapping[str, str], float]]") -> bytes:
    """One family with its values; b"" when there is no row."""
    lines = [b"%b %b\n" % (series(metric.name, labels), number(value)) for labels, value in rows]
    return header(metric) + b"".join(lines) if lines else b""


def number(value: float) -> bytes:
    """A value in the grammar of both formats."""
    text = repr(value)
    return {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}.get(text, text).encode()


def families(text: bytes) -> list[bytes]:
    """The families of a text that has whole ones, each from its HELP to the next."""
    # A raw newline cannot stand inside a label, so the text splits at its HELP lines.
    return [HELP + part + b"\n" for part in text[len(HELP) : -1].split(b"\n" + HELP)] if text else []


def renamed(family: bytes) -> bytes:
    """One family of the text format in OpenMetrics 1.0, under the rules of client_golang.

    That of the counter ``x_total`` is ``x``; a counter of another name and an untyped metric become ``unknown``.
    """
    name = family[len(HELP) : family.find(b" ", len(HELP))]
    old, new = _heads.get(name) or _learn(name, family)
    if not family.startswith(old):  # a file of others may tell it otherwise now
        old, new = _learn(name, family)
    return new + family[len(old) :]


_heads: dict[bytes, tuple[bytes, bytes]] = {}
"""By metric name: the header in the text format and that in OpenMetrics."""
MOST_HEADS = 20_000


def _learn(name: bytes, family: bytes) -> tuple[bytes, bytes]:
    if len(_heads) > MOST_HEADS:
        _heads.clear()
    _heads[name] = found = _head(name, family)
    return found


def _head(name: bytes, family: bytes) -> tuple[bytes, bytes]:
    help_line, type_line = family.split(b"\n", 2)[:2]
    kind, base = type_line.rpartition(b" ")[2], name
    if kind == b"untyped" or (kind == b"counter" and not name.endswith(b"_total")):
        kind = b"unknown"
    elif kind == b"counter":
        base = name.removesuffix(b"_total")
    help_text = help_line[len(HELP) + len(name) :].replace(b'"', b'\\"')
    return b"%b\n%b\n" % (help_line, type_line), b"# HELP %b%b\n# TYPE %b %b\n" % (base, help_text, base, kind)
