"""The host's name and kernel, under node_exporter's name."""

from tocsin_schema.metric import GAUGE, Metric

METRICS = (
    Metric(
        "node_uname_info",
        GAUGE,
        "",
        "Labeled system information as provided by the uname system call.",
        emitter="agent",
        labels={"sysname": 1, "release": 1, "version": 1, "machine": 1, "nodename": 1, "domainname": 1},
    ),
)
