"""Every entry of the catalogue that is told of a GPU."""

from tocsin_schema.metrics import gpu, gpu_fabric

METRICS = (*gpu.METRICS, *gpu_fabric.METRICS)
