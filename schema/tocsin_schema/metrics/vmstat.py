"""The fields of /proc/vmstat that node_exporter shows by default, under its names and, as there, untyped."""

from tocsin_schema.metric import UNTYPED, Metric

FIELDS = ("pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault", "oom_kill")

METRICS = tuple(
    Metric(f"node_vmstat_{field}", UNTYPED, "", f"/proc/vmstat information field {field}.", emitter="agent")
    for field in FIELDS
)
