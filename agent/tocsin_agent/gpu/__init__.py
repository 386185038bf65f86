"""NVIDIA GPUs through NVML: a driver thread that owns the library, one worker a GPU, one thread for XIDs."""
