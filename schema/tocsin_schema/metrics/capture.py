"""What capture tells of itself: rows, drops, blocks and errors in the serving processes."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

ROWS = Metric(
    "tocsin_capture_rows_total",
    COUNTER,
    "",
    "Rows of events put into blocks, by type: prediction, label or outcome.",
    emitter="capture",
    labels={"type": 3},
)
DROPPED = Metric(
    "tocsin_capture_rows_dropped_total",
    COUNTER,
    "",
    "Rows of events lost, by reason: full (too many wait), invalid (no id, time or value), pending (too many blocks "
    "wait), refused (the endpoint answered 4xx), rejected (the row itself), closed (not sent when the process ended).",
    emitter="capture",
    labels={"reason": 6},
)
BLOCKS = Metric(
    "tocsin_capture_blocks_sent_total",
    COUNTER,
    "",
    "Attempts to send a block, by outcome: ok, refused (dropped), retried, or spilled (to disk, to be sent later).",
    emitter="capture",
    labels={"outcome": 4},
)
ERRORS = Metric(
    "tocsin_capture_errors_total",
    COUNTER,
    "",
    "Faults inside capture that were kept from the request; the log of the serving process names them.",
    emitter="capture",
)
FOLDED = Metric(
    "tocsin_capture_observations_folded_total",
    COUNTER,
    "",
    "Requests counted as _other because their model or route is beyond the bound.",
    emitter="capture",
)
LOST = Metric(
    "tocsin_capture_observations_lost_total",
    COUNTER,
    "",
    "Requests not counted because the background thread did not keep up.",
    emitter="capture",
)
ALTERED = Metric(
    "tocsin_capture_columns_altered_total",
    COUNTER,
    "",
    "Columns or values changed on the way into a block, by reason: mixed (numbers and text became text), cut (a text "
    "was too long), nonfinite (infinity became missing), name (unusable), overflow (too many columns), unreadable "
    "(became missing).",
    emitter="capture",
    labels={"reason": 6},
)
WORKERS = Metric(
    "tocsin_capture_workers", GAUGE, "", "Serving processes that have a metrics file and are alive.", emitter="agent"
)
SKIPPED = Metric(
    "tocsin_capture_files_skipped",
    GAUGE,
    "",
    "Files in the runtime directory that could not be read as a worker's, at the last scrape.",
    emitter="agent",
)

METRICS = (ROWS, DROPPED, BLOCKS, ERRORS, FOLDED, LOST, ALTERED, WORKERS, SKIPPED)
