"""Network devices, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, Metric

DEVICES = 4096
_OTEL = {"bytes": "system.network.io", "packets": "system.network.packet.count", "errs": "system.network.errors"}

FIELDS = (
    *("receive_bytes", "receive_packets", "receive_errs", "receive_drop"),
    *("receive_fifo", "receive_frame", "receive_compressed", "receive_multicast"),
    *("transmit_bytes", "transmit_packets", "transmit_errs", "transmit_drop"),
    *("transmit_fifo", "transmit_colls", "transmit_carrier", "transmit_compressed"),
)
"""In the order of /proc/net/dev."""

METRICS = tuple(
    Metric(
        f"node_network_{field}_total",
        COUNTER,
        "bytes" if field.endswith("bytes") else "",
        f"Network device statistic {field}.",
        emitter="agent",
        labels={"device": DEVICES},
        otel=_OTEL.get(field.partition("_")[2]),
    )
    for field in FIELDS
)
