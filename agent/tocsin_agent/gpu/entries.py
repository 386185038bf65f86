"""Every entry of the catalogue that is told of a GPU."""

from tocsin_schema.metrics import gpu, gpu_activity, gpu_fabric, gpu_mig

METRICS = (*gpu.METRICS, *gpu_activity.METRICS, *gpu_mig.METRICS, *gpu_fabric.METRICS)
