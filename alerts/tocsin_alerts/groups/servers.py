"""The servers beside the collector: Prometheus, Alertmanager, Grafana, Elasticsearch."""

from tocsin_alerts.alert import PIPELINE, WARNING, Alert, Comparison, Term

ALERTS = (
    Alert(
        name="ServerDown",
        severity=WARNING,
        summary="{server} does not answer the collector {instance}",
        description=(
            "{server}, which the collector {instance} works with, does not answer as it should. What it does for tocsin"
            " stands still; the collector's page tells why."
        ),
        panel=(PIPELINE, 1),
        for_s=120,
        comparison=Comparison(Term("tocsin_server_up"), "==", 0),
    ),
)
