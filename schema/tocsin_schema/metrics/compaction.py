"""Compaction of the collector's journal to Parquet files, where it is enabled."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

OFF_BOARDS = "who reads the files asks for these when something is missing there; most collectors make none"
METRICS = (
    Metric(
        "tocsin_parquet_rows_total",
        COUNTER,
        "",
        "Events that became rows of Parquet files.",
        emitter="collector",
    ),
    Metric(
        "tocsin_parquet_bytes_total",
        COUNTER,
        "bytes",
        "Bytes of the Parquet files that were written.",
        emitter="collector",
    ),
    Metric(
        "tocsin_parquet_seconds_total",
        COUNTER,
        "seconds",
        "Time that compacting took, beside everything else.",
        emitter="collector",
    ),
    Metric(
        "tocsin_parquet_waiting_bytes",
        GAUGE,
        "bytes",
        "Bytes of sealed segments of the journal that are no Parquet files yet; retention waits for them.",
        emitter="collector",
    ),
    Metric(
        "tocsin_parquet_errors_total",
        COUNTER,
        "",
        "Segments that could not be compacted; each is tried again a minute later, and the log says why.",
        emitter="collector",
    ),
)
