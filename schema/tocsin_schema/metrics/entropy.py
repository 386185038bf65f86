"""The kernel's random numbers, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

AVAILABLE = Metric("node_entropy_available_bits", GAUGE, "", "Bits of available entropy.", emitter="agent")
POOL_SIZE = Metric("node_entropy_pool_size_bits", GAUGE, "", "Bits of entropy pool.", emitter="agent")

METRICS = (AVAILABLE, POOL_SIZE)
