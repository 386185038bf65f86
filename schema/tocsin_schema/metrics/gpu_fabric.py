"""The NVLink fabric, of switches, that an NVIDIA GPU is part of."""

from tocsin_schema.metric import GAUGE, Metric
from tocsin_schema.metrics.gpu import GPU, GPUS

FAULTS = ("bandwidth_degraded", "route_recovery", "route_unhealthy", "access_timeout", "incorrect_configuration")

FABRIC_INFO = Metric(
    "tocsin_gpu_fabric_info", GAUGE, "",
    "1 for each GPU of a fabric: its cluster, its clique, how far it got in joining, how that ended.",
    emitter="agent", labels={**GPU, "cluster": 4, "clique": GPUS, "state": 4, "status": 12},
)  # fmt: skip
FABRIC_JOINED = Metric(
    "tocsin_gpu_fabric_joined", GAUGE, "",
    "1 once the GPU has joined its fabric; until then, and where that failed, it cannot reach its peers.",
    emitter="agent", labels=GPU,
)  # fmt: skip
FABRIC_FAULT = Metric(
    "tocsin_gpu_fabric_fault", GAUGE, "", "1 while the fabric reports the fault of this GPU, 0 while it reports none.",
    emitter="agent", labels={**GPU, "fault": len(FAULTS)},
)  # fmt: skip

METRICS = (FABRIC_INFO, FABRIC_JOINED, FABRIC_FAULT)
