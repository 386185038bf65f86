"""The operating system, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

LABELS = (
    *("build_id", "id", "id_like", "image_id", "image_version", "name", "pretty_name", "variant", "variant_id"),
    *("version", "version_codename", "version_id"),
)
"""The fields of os-release(5) in lower case."""

INFO = Metric(
    "node_os_info",
    GAUGE,
    "",
    f"A metric with a constant '1' value labeled by {', '.join(LABELS)}.",
    emitter="agent",
    labels=dict.fromkeys(LABELS, 1),
)
VERSION = Metric(
    "node_os_version",
    GAUGE,
    "",
    "Metric containing the major.minor part of the OS version.",
    emitter="agent",
    labels={"id": 1, "id_like": 1, "name": 1},
)
SUPPORT_END = Metric(
    "node_os_support_end_timestamp_seconds",
    GAUGE,
    "seconds",
    "Metric containing the end-of-life date timestamp of the OS.",
    emitter="agent",
)

METRICS = (INFO, VERSION, SUPPORT_END)
