"""Instances of an NVIDIA GPU that is cut into several (MIG).

A GPU instance owns memory and counters; its multiprocessors may be cut again, into compute instances. ``gpu`` and
``uuid`` are those of the whole GPU, so that an instance is found by the GPU that it is part of.
"""

from tocsin_schema.metric import COUNTER, GAUGE, Metric
from tocsin_schema.metrics.gpu import GPU, GPUS, PROCESSES

INSTANCES = 7
"""The most of one GPU."""
INSTANCE = {**GPU, "gpu_instance": 16}
"""Numbers of the driver, which tell where an instance lies."""
COMPUTE = {**INSTANCE, "compute_instance": 8}
PARTS = ("sm", "sm_occupancy", "tensor", "dram")
"""Of those of a whole GPU, told of each instance too."""

MIG_ENABLED = Metric(
    "tocsin_gpu_mig_enabled", GAUGE, "", "1 while the GPU is cut into instances, 0 while it could be.",
    emitter="agent", labels=GPU,
)  # fmt: skip
MIG_INFO = Metric(
    "tocsin_gpu_mig_info", GAUGE, "", "1 for each compute instance: its own UUID and its profile.",
    emitter="agent", labels={**COMPUTE, "mig_uuid": GPUS * INSTANCES, "profile": 32},
)  # fmt: skip
MIG_MEMORY_USED = Metric(
    "tocsin_gpu_mig_memory_used_bytes", GAUGE, "bytes", "Device memory in use in the GPU instance.",
    emitter="agent", labels=INSTANCE,
)  # fmt: skip
MIG_MEMORY_TOTAL = Metric(
    "tocsin_gpu_mig_memory_total_bytes", GAUGE, "bytes", "Device memory of the GPU instance.",
    emitter="agent", labels=INSTANCE,
)  # fmt: skip
MIG_MULTIPROCESSORS = Metric(
    "tocsin_gpu_mig_multiprocessors", GAUGE, "", "Multiprocessors of the compute instance.",
    emitter="agent", labels=COMPUTE,
)  # fmt: skip
MIG_ACTIVE = Metric(
    "tocsin_gpu_mig_activity_ratio", GAUGE, "ratio",
    "Share of what a part of the GPU instance could do that it did, over the whole of the last sampling period.",
    emitter="agent", labels={**INSTANCE, "part": len(PARTS)},
)  # fmt: skip
MIG_ACTIVE_S = Metric(
    "tocsin_gpu_mig_activity_seconds_total", COUNTER, "seconds",
    "The same integrated: its rate is the mean between any two scrapes.",
    emitter="agent", labels={**INSTANCE, "part": len(PARTS)},
)  # fmt: skip
MIG_PROCESS_MEMORY = Metric(
    "tocsin_gpu_mig_process_memory_bytes", GAUGE, "bytes",
    "Device memory of each process by its instance; those beyond the sixteen of an instance that use the most are one.",
    emitter="agent", labels={**COMPUTE, "pid": GPUS * INSTANCES * PROCESSES, "process": GPUS * INSTANCES * PROCESSES},
)  # fmt: skip

METRICS = (
    MIG_ENABLED, MIG_INFO, MIG_MEMORY_USED, MIG_MEMORY_TOTAL, MIG_MULTIPROCESSORS, MIG_ACTIVE, MIG_ACTIVE_S,
    MIG_PROCESS_MEMORY,
)  # fmt: skip
