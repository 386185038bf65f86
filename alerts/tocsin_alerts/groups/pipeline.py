"""tocsin itself: what it lost on the way."""

from tocsin_alerts.alert import INCREASE, WARNING, Alert, Comparison, Term

ALERTS = (
    Alert(
        name="EventsDropped",
        severity=WARNING,
        summary="{value} events of model {model} lost on {instance}",
        description="A serving process on {instance} dropped {value} events of model {model} in ten minutes.",
        comparison=Comparison(Term("tocsin_capture_rows_dropped_total", (), INCREASE, 600), ">", 0),
    ),
)
