"""One metric of the catalogue: what it is called, what it means, how many series it may become."""

COUNTER = "counter"
GAUGE = "gauge"
HISTOGRAM = "histogram"
UNTYPED = "untyped"

OVERFLOW = "_other"
"""The label value that takes what exceeds a label's bound; what was folded is counted by the emitter."""


class Metric:
    """An entry of the catalogue.

    ``labels`` maps each label name to its bound: the most distinct values that one process emits for it.
    ``unit`` is the Prometheus base unit (seconds, bytes, ratio, joules, celsius, watts, hertz) or empty for a count.
    ``emitter`` says who emits it: ``agent``, ``capture`` (inside the serving process) or ``collector``.
    ``otel`` is the name of its OpenTelemetry twin, or None where the conventions have none.
    """

    __slots__ = ("emitter", "help", "labels", "name", "otel", "type", "unit")

    def __init__(
        self,
        name: str,
        type: str,
        unit: str,
        help: str,
        *,
        emitter: str,
        labels: dict[str, int] | None = None,
        otel: str | None = None,
    ) -> None:
        self.name = name
        self.type = type
        self.unit = unit
        self.help = help
        self.emitter = emitter
        self.labels = labels or {}
        self.otel = otel

    def __repr__(self) -> str:
        return f"Metric({self.name!r}, {self.type!r}, labels={sorted(self.labels)})"


def header(metric: Metric) -> bytes:
    """The HELP and TYPE lines of the text exposition, format 0.0.4."""
    help_text = metric.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {metric.name} {help_text}\n# TYPE {metric.name} {metric.type}\n".encode()
