"""Packets in the kernel's receive queues, a CPU each, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric


def _metric(name: str, type: str, help: str) -> Metric:
    return Metric(f"node_softnet_{name}", type, "", help, emitter="agent", labels={"cpu": 1024})


PROCESSED = _metric("processed_total", COUNTER, "Number of processed packets")
DROPPED = _metric("dropped_total", COUNTER, "Number of dropped packets")
SQUEEZED = _metric("times_squeezed_total", COUNTER, "Number of times processing packets ran out of quota")
COLLISIONS = _metric(
    "cpu_collision_total", COUNTER, "Number of collision occur while obtaining device lock while transmitting"
)
RECEIVED_RPS = _metric("received_rps_total", COUNTER, "Number of times cpu woken up received_rps")
FLOW_LIMITED = _metric("flow_limit_count_total", COUNTER, "Number of times flow limit has been reached")
BACKLOG = _metric("backlog_len", GAUGE, "Softnet backlog status")

METRICS = (PROCESSED, DROPPED, SQUEEZED, COLLISIONS, RECEIVED_RPS, FLOW_LIMITED, BACKLOG)
