"""Open files of the whole host, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

ALLOCATED = Metric("node_filefd_allocated", GAUGE, "", "File descriptor statistics: allocated.", emitter="agent")
MAXIMUM = Metric("node_filefd_maximum", GAUGE, "", "File descriptor statistics: maximum.", emitter="agent")

METRICS = (ALLOCATED, MAXIMUM)
