"""tocsin itself: what it lost on the way."""

from tocsin_alerts.alert import INCREASE, WARNING, Alert, Comparison, Term

ALERTS = (
    Alert(
        name="EventsDropped",
        severity=WARNING,
        summary="{value} events lost on {instance}: {reason}",
        description="A serving process on {instance} dropped {value} events in ten minutes: {reason}.",
        comparison=Comparison(Term("tocsin_capture_rows_dropped_total", (), INCREASE, 600), ">", 0),
    ),
)
