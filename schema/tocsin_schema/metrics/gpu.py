"""NVIDIA GPUs, as NVML tells them."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

GPUS = 64
"""The most GPUs of one host; NVSwitch systems have 16, MIG slices are not counted here."""
GPU = {"gpu": GPUS, "uuid": GPUS}
XIDS = 64
"""The most distinct XIDs kept apart for one GPU."""

INFO = Metric(
    "tocsin_gpu_info", GAUGE, "", "1 for each GPU; its labels tell model and driver.",
    emitter="agent", labels={**GPU, "name": GPUS, "driver": 4},
)  # fmt: skip
UP = Metric(
    "tocsin_gpu_up", GAUGE, "", "1 while the GPU answers in time, 0 while it is lost, hung or failing.",
    emitter="agent", labels=GPU, otel="hw.status",
)  # fmt: skip
AGE = Metric(
    "tocsin_gpu_sample_age_seconds", GAUGE, "seconds", "Time since the GPU was last sampled whole.",
    emitter="agent", labels=GPU,
)  # fmt: skip
UTILIZATION = Metric(
    "tocsin_gpu_utilization_ratio", GAUGE, "ratio", "Share of the driver's last period in which a kernel ran.",
    emitter="agent", labels=GPU, otel="hw.gpu.utilization",
)  # fmt: skip
BUSY = Metric(
    "tocsin_gpu_utilization_busy_seconds_total", COUNTER, "seconds",
    "Utilisation integrated over every sample; its rate is the mean between any two scrapes.",
    emitter="agent", labels=GPU,
)  # fmt: skip
MEMORY_USED = Metric(
    "tocsin_gpu_memory_used_bytes", GAUGE, "bytes", "Device memory in use, without what the driver reserves.",
    emitter="agent", labels=GPU, otel="hw.gpu.memory.usage",
)  # fmt: skip
MEMORY_TOTAL = Metric(
    "tocsin_gpu_memory_total_bytes", GAUGE, "bytes", "Device memory installed.",
    emitter="agent", labels=GPU, otel="hw.gpu.memory.limit",
)  # fmt: skip
POWER = Metric(
    "tocsin_gpu_power_watts", GAUGE, "watts", "Power drawn, as the driver averages it.",
    emitter="agent", labels=GPU, otel="hw.power",
)  # fmt: skip
POWER_LIMIT = Metric(
    "tocsin_gpu_power_limit_watts", GAUGE, "watts", "Power limit in force.",
    emitter="agent", labels=GPU, otel="hw.power.limit",
)  # fmt: skip
ENERGY = Metric(
    "tocsin_gpu_energy_joules_total", COUNTER, "joules",
    "Energy drawn since the driver was loaded, as the GPU counts it.",
    emitter="agent", labels=GPU, otel="hw.energy",
)  # fmt: skip
TEMPERATURE = Metric(
    "tocsin_gpu_temperature_celsius", GAUGE, "celsius", "Temperature of the GPU's die.",
    emitter="agent", labels=GPU, otel="hw.temperature",
)  # fmt: skip
ECC = Metric(
    "tocsin_gpu_ecc_errors_total", COUNTER, "", "Memory errors over the GPU's life, corrected and uncorrected.",
    emitter="agent", labels={**GPU, "kind": 2}, otel="hw.errors",
)  # fmt: skip
XID = Metric(
    "tocsin_gpu_xid_errors_total", COUNTER, "",
    "XID errors seen since the agent started; those that end a GPU's work stand at 0 from the start.",
    emitter="agent", labels={**GPU, "xid": XIDS},
)  # fmt: skip
ERRORS = Metric(
    "tocsin_gpu_errors_total", COUNTER, "", "Samples that failed, and single values dropped as garbage, by reason.",
    emitter="agent", labels={**GPU, "reason": 12},
)  # fmt: skip
DRIVER_UP = Metric(
    "tocsin_gpu_driver_up", GAUGE, "", "1 while NVML is initialised, 0 while its library is there but does not start.",
    emitter="agent",
)  # fmt: skip

MEMORY_BUSY = Metric(
    "tocsin_gpu_memory_utilization_ratio", GAUGE, "ratio",
    "Share of the driver's last period in which device memory was read or written.",
    emitter="agent", labels=GPU,
)  # fmt: skip
MEMORY_TEMPERATURE = Metric(
    "tocsin_gpu_memory_temperature_celsius", GAUGE, "celsius", "Temperature of the GPU's memory.",
    emitter="agent", labels=GPU,
)  # fmt: skip
TEMPERATURE_LIMIT = Metric(
    "tocsin_gpu_temperature_limit_celsius", GAUGE, "celsius",
    "Temperatures at which the GPU shuts down, slows down, or is above what its die or its memory should have.",
    emitter="agent", labels={**GPU, "limit": 4},
)  # fmt: skip
CLOCK = Metric(
    "tocsin_gpu_clock_hertz", GAUGE, "hertz", "Clock of the multiprocessors (sm), the memory, the video engines.",
    emitter="agent", labels={**GPU, "clock": 3},
)  # fmt: skip
CLOCK_MAX = Metric(
    "tocsin_gpu_clock_max_hertz", GAUGE, "hertz", "Highest clock that the GPU can reach.",
    emitter="agent", labels={**GPU, "clock": 3},
)  # fmt: skip
BAR1_USED = Metric(
    "tocsin_gpu_bar1_used_bytes", GAUGE, "bytes", "Device memory that is mapped for the CPU or for other devices.",
    emitter="agent", labels=GPU,
)  # fmt: skip
BAR1_TOTAL = Metric(
    "tocsin_gpu_bar1_total_bytes", GAUGE, "bytes", "Device memory that can be mapped at once.",
    emitter="agent", labels=GPU,
)  # fmt: skip
ENCODER = Metric(
    "tocsin_gpu_encoder_utilization_ratio", GAUGE, "ratio", "Share of time in which the video encoders worked.",
    emitter="agent", labels=GPU,
)  # fmt: skip
DECODER = Metric(
    "tocsin_gpu_decoder_utilization_ratio", GAUGE, "ratio", "Share of time in which the video decoders worked.",
    emitter="agent", labels=GPU,
)  # fmt: skip
POWER_RANGE = Metric(
    "tocsin_gpu_power_limit_range_watts", GAUGE, "watts",
    "Power limit that the GPU starts with (default), and the lowest and highest that it can be given.",
    emitter="agent", labels={**GPU, "bound": 3},
)  # fmt: skip

METRICS = (
    INFO, UP, AGE, UTILIZATION, BUSY, MEMORY_USED, MEMORY_TOTAL, POWER, POWER_LIMIT, ENERGY, TEMPERATURE, ECC, XID,
    ERRORS, DRIVER_UP, MEMORY_BUSY, MEMORY_TEMPERATURE, TEMPERATURE_LIMIT, CLOCK, CLOCK_MAX, BAR1_USED, BAR1_TOTAL,
    ENCODER, DECODER, POWER_RANGE,
)  # fmt: skip
