"""Logs on their way into Elasticsearch: does it take them, and does it refuse some for good."""

from tocsin_alerts.alert import INCREASE, PIPELINE, RATE, WARNING, Alert, Comparison, Match, Term

_DOCUMENTS = "tocsin_elasticsearch_documents_total"
_FOR_GOOD = Match("outcome", "=~", "dead_letter|dead_letter_file|dropped")

ALERTS = (
    Alert(
        name="LogStoreFailing",
        severity=WARNING,
        summary="Elasticsearch does not take {value} of the log records of {instance}",
        description=(
            "{value} of the log records that the collector {instance} hands to Elasticsearch are not taken and are to"
            " come again. They wait on their hosts; nothing is lost while those have room."
        ),
        panel=(PIPELINE, 42),
        for_s=300,
        unit="ratio",
        comparison=Comparison(
            Term(_DOCUMENTS, (Match("outcome", "=", "retried"),), RATE, 300),
            ">",
            0.5,
            over=Term(_DOCUMENTS, (), RATE, 300),
            by=("job", "instance"),
        ),
    ),
    Alert(
        name="LogRecordsRejected",
        severity=WARNING,
        summary="{value} log records refused by Elasticsearch: {outcome}",
        description=(
            "Elasticsearch refused {value} log records of the collector {instance} for good in ten minutes: {outcome}."
            " Dead letters hold each with its reason; what was dropped is gone."
        ),
        panel=(PIPELINE, 42),
        unit="count",
        comparison=Comparison(Term(_DOCUMENTS, (_FOR_GOOD,), INCREASE, 600), ">", 0),
    ),
)
