"""What is worth computing once: the series that an alert and people's own boards share, by ``level:metric:operations``.

An alert keeps its whole expression (Grafana and the collector judge by it); in the rules of Prometheus each part of it
that is recorded stands under its name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """A series under its own name."""

    name: str
    expr: str


_BY = "sum by (project, model, version)"
_REQUESTS = f"{_BY} (rate(tocsin_inference_requests_total[5m]))"
_FAILURES = f'{_BY} (rate(tocsin_inference_requests_total{{outcome="server_error"}}[5m]))'

# In the order in which they are computed: one may stand on those before it.
RECORDS = (
    Record("project_model_version:tocsin_inference_requests:rate5m", _REQUESTS),
    Record("project_model_version:tocsin_inference_failures_per_requests:ratio_rate5m", f"{_FAILURES} / {_REQUESTS}"),
)


def recorded(expr: str, records: tuple[Record, ...] = RECORDS) -> str:
    """The expression with what is recorded under its name."""
    for record in reversed(records):  # the larger ones first
        expr = expr.replace(record.expr, record.name)
    return expr
