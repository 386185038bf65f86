"""tocsin itself: is it there, and what was lost on the way to it."""

from tocsin_alerts.alert import CRITICAL, INCREASE, PIPELINE, WARNING, Alert, Comparison, Term

_COLLECTOR = 'up{job="tocsin-collector"}'

ALERTS = (
    Alert(
        name="CollectorDown",
        severity=CRITICAL,
        summary="no answer from the collector {instance}",
        description=(
            "Prometheus gets no answer from the collector {instance}, or has no collector to scrape: nobody watches the"
            " models, and messages that go through it reach nobody."
        ),
        panel=(PIPELINE, 12),
        for_s=120,
        # A targets file that is gone takes `up` with it.
        promql=f"{_COLLECTOR} == 0 or absent({_COLLECTOR})",
    ),
    Alert(
        name="EventsDropped",
        severity=WARNING,
        summary="{value} events lost on {instance}: {reason}",
        description="A serving process on {instance} dropped {value} events in ten minutes: {reason}.",
        panel=(PIPELINE, 2),
        unit="count",
        comparison=Comparison(Term("tocsin_capture_rows_dropped_total", (), INCREASE, 600), ">", 0),
    ),
    Alert(
        name="EventsRefused",
        severity=WARNING,
        summary="{value} events refused by {instance}: {code}",
        description="The collector {instance} refused {value} events in ten minutes: {code}. Their sender knows why.",
        panel=(PIPELINE, 3),
        unit="count",
        comparison=Comparison(Term("tocsin_events_rejected_total", (), INCREASE, 600), ">", 0),
    ),
    Alert(
        name="ProjectOverQuota",
        severity=WARNING,
        summary="{project} is over its quota of {quota} at {instance}",
        description=(
            "The collector {instance} told senders of {project} in {value} requests in ten minutes that the project is"
            " over its quota of {quota}."
        ),
        panel=(PIPELINE, 90),
        unit="count",
        comparison=Comparison(Term("tocsin_requests_over_quota_total", (), INCREASE, 600), ">", 0),
    ),
)
