"""The process that serves /metrics, under the names that all Prometheus clients share."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric


def _process(name: str, type: str, unit: str, help: str) -> Metric:
    return Metric(f"process_{name}", type, unit, help, emitter="agent")


CPU_SECONDS = _process("cpu_seconds_total", COUNTER, "seconds", "Total user and system CPU time spent in seconds.")
RESIDENT = _process("resident_memory_bytes", GAUGE, "bytes", "Resident memory size in bytes.")
VIRTUAL = _process("virtual_memory_bytes", GAUGE, "bytes", "Virtual memory size in bytes.")
VIRTUAL_MAX = _process(
    "virtual_memory_max_bytes", GAUGE, "bytes", "Maximum amount of virtual memory available in bytes."
)
OPEN_FDS = _process("open_fds", GAUGE, "", "Number of open file descriptors.")
MAX_FDS = _process("max_fds", GAUGE, "", "Maximum number of open file descriptors.")
START_TIME = _process("start_time_seconds", GAUGE, "seconds", "Start time of the process since unix epoch in seconds.")

METRICS = (CPU_SECONDS, RESIDENT, VIRTUAL, VIRTUAL_MAX, OPEN_FDS, MAX_FDS, START_TIME)
