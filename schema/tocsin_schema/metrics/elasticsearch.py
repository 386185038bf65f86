"""Logs into Elasticsearch: what became of them, and how the server answers."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

OUTCOMES = ("stored", "duplicate", "retried", "repaired", "dead_letter", "dead_letter_file", "dropped")
CODES = 24
"""The most distinct status codes kept apart."""

METRICS = (
    Metric(
        "tocsin_elasticsearch_documents_total",
        COUNTER,
        "",
        "Log records sent to Elasticsearch, by what became of them: stored, duplicate (it had them), retried (sent "
        "again), repaired (sent again in a form that fits the mapping), dead_letter (kept in the dead letter's data "
        "stream), dead_letter_file (kept in a file of the collector), dropped (that file was full).",
        emitter="collector",
        labels={"outcome": len(OUTCOMES)},
    ),
    Metric(
        "tocsin_elasticsearch_bulk_seconds_total",
        COUNTER,
        "seconds",
        "Time spent waiting for the answers to bulk requests.",
        emitter="collector",
    ),
    Metric(
        "tocsin_elasticsearch_requests_total",
        COUNTER,
        "",
        "Requests to Elasticsearch by the status code answered; none: no answer.",
        emitter="collector",
        labels={"code": CODES},
    ),
    Metric(
        "tocsin_elasticsearch_last_success_timestamp_seconds",
        GAUGE,
        "seconds",
        "When Elasticsearch last answered as it should, seconds since the Unix epoch; absent until it has.",
        emitter="collector",
    ),
    Metric(
        "tocsin_elasticsearch_waiting_bytes",
        GAUGE,
        "bytes",
        "Log records that wait for Elasticsearch in memory; their senders wait for the answer.",
        emitter="collector",
    ),
)
