"""Files of metrics that other programs leave for the agent, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

FILES = 4096

MTIME = Metric(
    "node_textfile_mtime_seconds",
    GAUGE,
    "seconds",
    "Unixtime mtime of textfiles successfully read.",
    emitter="agent",
    labels={"file": FILES},
)
ERROR = Metric(
    "node_textfile_scrape_error",
    GAUGE,
    "",
    "1 if there was an error opening or reading a file, 0 otherwise",
    emitter="agent",
)
AGE = Metric(
    "tocsin_textfile_age_seconds",
    GAUGE,
    "seconds",
    "How long ago a folder of such files was read, when it is slow.",
    emitter="agent",
    labels={"folder": 64},
)

METRICS = (MTIME, ERROR, AGE)
