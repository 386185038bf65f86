"""What the parts of an NVIDIA GPU did, as its own counters tell (NVML's GPM, from Hopper on)."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric
from tocsin_schema.metrics.gpu import GPU

PARTS = {
    "sm": 2, "sm_occupancy": 3, "tensor": 5, "tensor_dfma": 6, "tensor_hmma": 7, "tensor_imma": 9, "dram": 10,
    "fp64": 11, "fp32": 12, "fp16": 13,
}  # fmt: skip
"""Numbers of nvmlGpmMetricId_t, all in percent: multiprocessors with a warp on them, warps beside the most that fit,
tensor cores (of any kind, then in FP64, FP16 and BF16, integers), memory bandwidth, arithmetic outside tensor cores."""

ACTIVE = Metric(
    "tocsin_gpu_activity_ratio", GAUGE, "ratio",
    "Share of what a part of the GPU could do that it did, over the whole of the last sampling period.",
    emitter="agent", labels={**GPU, "part": len(PARTS)},
)  # fmt: skip
ACTIVE_S = Metric(
    "tocsin_gpu_activity_seconds_total", COUNTER, "seconds",
    "The same integrated: its rate is the mean between any two scrapes.",
    emitter="agent", labels={**GPU, "part": len(PARTS)},
)  # fmt: skip

METRICS = (ACTIVE, ACTIVE_S)
