"""Every entry of the catalogue that is told of a GPU."""

from tocsin_schema.metrics import gpu, gpu_activity, gpu_fabric

METRICS = (*gpu.METRICS, *gpu_activity.METRICS, *gpu_fabric.METRICS)
