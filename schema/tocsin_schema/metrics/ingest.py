"""The collector's way in: what was accepted, what was known, what was refused, and what the journal costs."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_events_accepted_total",
        COUNTER,
        "",
        "Events that are durable and were not known before.",
        emitter="collector",
        labels={"type": 3},
    ),
    Metric(
        "tocsin_events_duplicate_total",
        COUNTER,
        "",
        "Events that came again and were counted once.",
        emitter="collector",
        labels={"type": 3},
    ),
    Metric(
        "tocsin_events_rejected_total",
        COUNTER,
        "",
        "Events that were refused, by the code that their sender was told.",
        emitter="collector",
        labels={"code": 32},
    ),
    Metric(
        "tocsin_ingest_requests_total",
        COUNTER,
        "",
        "Requests to /v1/events by HTTP status.",
        emitter="collector",
        labels={"code": 16},
    ),
    Metric(
        "tocsin_ingest_apply_errors_total",
        COUNTER,
        "",
        "Accepted blocks that the windows could not take; they are in the journal and come again at the next start.",
        emitter="collector",
    ),
    Metric(
        "tocsin_ingest_dedupe_bytes",
        GAUGE,
        "bytes",
        "Memory that the ids of accepted events take.",
        emitter="collector",
    ),
    Metric(
        "tocsin_journal_bytes_total",
        COUNTER,
        "bytes",
        "Bytes that were appended to the journal.",
        emitter="collector",
    ),
    Metric(
        "tocsin_journal_syncs_total",
        COUNTER,
        "",
        "Commits of the journal; each is one fdatasync for all that waited.",
        emitter="collector",
    ),
    Metric(
        "tocsin_journal_sync_seconds_total",
        COUNTER,
        "seconds",
        "Time spent in commits of the journal.",
        emitter="collector",
    ),
    Metric(
        "tocsin_journal_damaged_bytes",
        GAUGE,
        "bytes",
        "Bytes of the journal that could not be read at the last start.",
        emitter="collector",
    ),
    Metric(
        "tocsin_predictions_total",
        COUNTER,
        "",
        "Distinct acknowledged predictions, restored from the journal after a restart.",
        emitter="collector",
        labels={"project": 100, "model": 1000, "version": 1000},
    ),
)
