"""The agent's log tailing."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

LINES = Metric(
    "tocsin_agent_log_lines_total", COUNTER, "", "Log lines that the collector has acknowledged.", emitter="agent",
)  # fmt: skip
BYTES = Metric(
    "tocsin_agent_log_bytes_total", COUNTER, "bytes", "Bytes of log files whose lines the collector has acknowledged.",
    emitter="agent",
)  # fmt: skip
ERRORS = Metric(
    "tocsin_agent_log_errors_total", COUNTER, "", "What went wrong while log lines were read and sent, by reason.",
    emitter="agent", labels={"reason": 16},
)  # fmt: skip
FILES = Metric(
    "tocsin_agent_log_files", GAUGE, "", "Log files that are open.", emitter="agent",
)  # fmt: skip
LAG = Metric(
    "tocsin_agent_log_lag_bytes", GAUGE, "bytes", "Bytes written to log files and not yet acknowledged.",
    emitter="agent",
)  # fmt: skip
LAST_SUCCESS = Metric(
    "tocsin_agent_log_last_success_timestamp_seconds", GAUGE, "seconds",
    "When the collector acknowledged a batch last.",
    emitter="agent",
)  # fmt: skip

METRICS = (LINES, BYTES, ERRORS, FILES, LAG, LAST_SUCCESS)
