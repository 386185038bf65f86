"""Model servers: do their answers fail."""

from tocsin_alerts.alert import CRITICAL, MODEL, RATE, Alert, Comparison, Match, Term

_REQUESTS = "tocsin_inference_requests_total"

ALERTS = (
    Alert(
        name="ServingErrorRatioHigh",
        severity=CRITICAL,
        summary="{value} of the requests to {model} fail",
        description="Model {model} {version} ({project}) answers {value} of its requests with an error of its own.",
        panel=(MODEL, 12),
        for_s=120,
        unit="ratio",
        comparison=Comparison(
            Term(_REQUESTS, (Match("outcome", "=", "server_error"),), RATE, 300),
            ">",
            0.05,
            over=Term(_REQUESTS, (), RATE, 300),
            by=("project", "model", "version"),
            least=0.1,  # a request in ten seconds: one failure among five requests wakes nobody
        ),
    ),
)
