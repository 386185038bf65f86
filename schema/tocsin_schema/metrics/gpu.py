"""NVIDIA GPUs, as NVML tells them."""

from tocsin_schema.metric import COUNTER, GAUGE, HISTOGRAM, Metric

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
    "XID errors since the agent started, once each whether NVML, the kernel's log or both told them; those that end a"
    " GPU's work stand at 0 from the start. A GPU that NVML does not show has its PCI address for an index.",
    emitter="agent", labels={**GPU, "xid": XIDS},
)  # fmt: skip
ERRORS = Metric(
    "tocsin_gpu_errors_total", COUNTER, "", "Samples that failed, and single values dropped as garbage, by reason.",
    emitter="agent", labels={**GPU, "reason": 13},
)  # fmt: skip
DRIVER_UP = Metric(
    "tocsin_gpu_driver_up", GAUGE, "",
    "1 while NVML is initialised, 0 while its library is there but does not start; absent while the GPUs are released.",
    emitter="agent",
)  # fmt: skip
DRIVER_STATE = Metric(
    "tocsin_gpu_driver_state", GAUGE, "",
    "1 for the state of the agent's hold on the driver: up, down, released on request, or releasing (a call hangs).",
    emitter="agent", labels={"state": 4},
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
TEMPERATURE_MARGIN = Metric(
    "tocsin_gpu_temperature_margin_celsius", GAUGE, "celsius",
    "Degrees before the GPU slows down for heat, as it reckons itself; negative while it does.",
    emitter="agent", labels=GPU,
)  # fmt: skip
TEMPERATURE_MARGIN_LIMIT = Metric(
    "tocsin_gpu_temperature_margin_limit_celsius", GAUGE, "celsius",
    "Margins at which newer GPUs shut down, slow down, or are above what their die or memory should have.",
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
THROTTLED = Metric(
    "tocsin_gpu_throttled_seconds_total", COUNTER, "seconds",
    "Time in which the GPU's clocks were held down, by reason: from the driver's counters where it has them.",
    emitter="agent", labels={**GPU, "reason": 7},
)  # fmt: skip
ECC_LOCATION = Metric(
    "tocsin_gpu_ecc_location_errors_total", COUNTER, "",
    "Memory errors over the GPU's life by the place where they happened.",
    emitter="agent", labels={**GPU, "kind": 2, "location": 8},
)  # fmt: skip
REMAPPED = Metric(
    "tocsin_gpu_remapped_rows", GAUGE, "", "Rows of memory that spare ones replace, by the kind of error.",
    emitter="agent", labels={**GPU, "kind": 2},
)  # fmt: skip
REMAP_PENDING = Metric(
    "tocsin_gpu_row_remap_pending", GAUGE, "", "1 while a row waits to be replaced by the next reset of the GPU.",
    emitter="agent", labels=GPU,
)  # fmt: skip
REMAP_FAILED = Metric(
    "tocsin_gpu_row_remap_failed", GAUGE, "", "1 once a row could not be replaced: the GPU should be.",
    emitter="agent", labels=GPU,
)  # fmt: skip
RETIRED = Metric(
    "tocsin_gpu_retired_pages", GAUGE, "", "Pages of memory that are no longer used, by the kind of error.",
    emitter="agent", labels={**GPU, "kind": 2},
)  # fmt: skip
RETIRE_PENDING = Metric(
    "tocsin_gpu_page_retirement_pending", GAUGE, "", "1 while a page waits to be retired by the next reset of the GPU.",
    emitter="agent", labels=GPU,
)  # fmt: skip
PCIE_BYTES = Metric(
    "tocsin_gpu_pcie_bytes_total", COUNTER, "bytes", "Bytes over PCIe, as the GPU sends and receives them.",
    emitter="agent", labels={**GPU, "direction": 2},
)  # fmt: skip
PCIE_REPLAYS = Metric(
    "tocsin_gpu_pcie_replays_total", COUNTER, "", "PCIe packets that had to be sent again.",
    emitter="agent", labels=GPU,
)  # fmt: skip
PCIE_ERRORS = Metric(
    "tocsin_gpu_pcie_errors_total", COUNTER, "", "Errors of the PCIe link by their gravity.",
    emitter="agent", labels={**GPU, "kind": 3},
)  # fmt: skip
NVLINK_BYTES = Metric(
    "tocsin_gpu_nvlink_bytes_total", COUNTER, "bytes", "Bytes of data over all NVLinks of the GPU.",
    emitter="agent", labels={**GPU, "direction": 2},
)  # fmt: skip
NVLINK_ERRORS = Metric(
    "tocsin_gpu_nvlink_errors_total", COUNTER, "", "Errors of all NVLinks of the GPU by kind.",
    emitter="agent", labels={**GPU, "kind": 12},
)  # fmt: skip
PROCESSES = 17
"""Processes told apart for one GPU: sixteen, and all others as one."""
PROCESS = {**GPU, "pid": GPUS * PROCESSES, "process": GPUS * PROCESSES}
PROCESS_MEMORY = Metric(
    "tocsin_gpu_process_memory_bytes", GAUGE, "bytes",
    "Device memory of each process; those beyond the sixteen that use the most are one.",
    emitter="agent", labels=PROCESS,
)  # fmt: skip
PROCESS_BUSY = Metric(
    "tocsin_gpu_process_utilization_ratio", GAUGE, "ratio",
    "Share of time in which the process used the GPU's multiprocessors, over the last ten seconds.",
    emitter="agent", labels=PROCESS,
)  # fmt: skip
LE = tuple(step / 10 for step in range(11))
"""Upper bounds of the buckets of utilisation; +Inf adds nothing to a share, and is there as the format asks."""
SAMPLED = Metric(
    "tocsin_gpu_utilization_sampled_ratio", HISTOGRAM, "ratio",
    "Utilisation in each of the driver's own samples, several a second; only the agent's where it keeps none.",
    emitter="agent", labels=GPU,
)  # fmt: skip
UTILIZATION_MAX = Metric(
    "tocsin_gpu_utilization_max_ratio", GAUGE, "ratio", "Highest sample of utilisation in the last minute.",
    emitter="agent", labels=GPU,
)  # fmt: skip
POWER_MAX = Metric(
    "tocsin_gpu_power_max_watts", GAUGE, "watts", "Highest sample of power in the last minute.",
    emitter="agent", labels=GPU,
)  # fmt: skip
MEMORY_MAX = Metric(
    "tocsin_gpu_memory_used_max_bytes", GAUGE, "bytes",
    "Most device memory in use in the last minute, as the agent saw it: once a second, or as often as it is asked to.",
    emitter="agent", labels=GPU,
)  # fmt: skip

METRICS = (
    INFO, UP, AGE, UTILIZATION, BUSY, MEMORY_USED, MEMORY_TOTAL, POWER, POWER_LIMIT, ENERGY, TEMPERATURE, ECC, XID,
    ERRORS, DRIVER_UP, MEMORY_BUSY, MEMORY_TEMPERATURE, TEMPERATURE_LIMIT, TEMPERATURE_MARGIN,
    TEMPERATURE_MARGIN_LIMIT, CLOCK, CLOCK_MAX, BAR1_USED, BAR1_TOTAL,
    ENCODER, DECODER, POWER_RANGE, THROTTLED, ECC_LOCATION, REMAPPED, REMAP_PENDING, REMAP_FAILED, RETIRED,
    RETIRE_PENDING, PCIE_BYTES, PCIE_REPLAYS, PCIE_ERRORS, NVLINK_BYTES, NVLINK_ERRORS,
    PROCESS_MEMORY, PROCESS_BUSY, SAMPLED, UTILIZATION_MAX, POWER_MAX, MEMORY_MAX, DRIVER_STATE,
)  # fmt: skip
