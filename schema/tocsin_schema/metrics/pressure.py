"""Pressure stall information of the host, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, Metric


def _pressure(name: str, help: str) -> Metric:
    return Metric(f"node_pressure_{name}_seconds_total", COUNTER, "seconds", help, emitter="agent")


CPU_WAITING = _pressure("cpu_waiting", "Total time in seconds that processes have waited for CPU time")
IO_WAITING = _pressure("io_waiting", "Total time in seconds that processes have waited due to IO congestion")
IO_STALLED = _pressure("io_stalled", "Total time in seconds no process could make progress due to IO congestion")
MEMORY_WAITING = _pressure("memory_waiting", "Total time in seconds that processes have waited for memory")
MEMORY_STALLED = _pressure(
    "memory_stalled", "Total time in seconds no process could make progress due to memory congestion"
)
IRQ_STALLED = _pressure("irq_stalled", "Total time in seconds no process could make progress due to IRQ congestion")

METRICS = (CPU_WAITING, IO_WAITING, IO_STALLED, MEMORY_WAITING, MEMORY_STALLED, IRQ_STALLED)
