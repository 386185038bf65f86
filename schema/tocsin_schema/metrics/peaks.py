"""The host's peaks between two scrapes.

Busy seconds and bytes between scrapes are in the kernel's own counters (``node_cpu_seconds_total``,
``node_disk_io_time_seconds_total`` and their neighbours); what these lack is how high it went meanwhile.
"""

from tocsin_schema.metric import GAUGE, HISTOGRAM, Metric

DEVICES = 16
"""Devices of a kind that are told apart: fifteen, in the order in which they were found, and all others as one."""
DEVICE, PACKAGE = {"device": DEVICES}, {"package": DEVICES}

CPU_MAX = Metric(
    "tocsin_host_cpu_busy_max_ratio", GAUGE, "ratio",
    "Highest share of all CPUs' time that was neither idle nor waiting for a disk, in the last minute.",
    emitter="agent",
)  # fmt: skip
MEMORY_MAX = Metric(
    "tocsin_host_memory_used_max_ratio", GAUGE, "ratio",
    "Highest share of memory that could not be had without swapping, in the last minute.",
    emitter="agent",
)  # fmt: skip
RECEIVED_MAX = Metric(
    "tocsin_host_network_receive_max_bytes_per_second", GAUGE, "bytes",
    "Highest rate at which a network device received, in the last minute.",
    emitter="agent", labels=DEVICE,
)  # fmt: skip
SENT_MAX = Metric(
    "tocsin_host_network_transmit_max_bytes_per_second", GAUGE, "bytes",
    "Highest rate at which a network device sent, in the last minute.",
    emitter="agent", labels=DEVICE,
)  # fmt: skip
READ_MAX = Metric(
    "tocsin_host_disk_read_max_bytes_per_second", GAUGE, "bytes",
    "Highest rate at which a disk was read, in the last minute.",
    emitter="agent", labels=DEVICE,
)  # fmt: skip
WRITTEN_MAX = Metric(
    "tocsin_host_disk_written_max_bytes_per_second", GAUGE, "bytes",
    "Highest rate at which a disk was written, in the last minute.",
    emitter="agent", labels=DEVICE,
)  # fmt: skip
DISK_BUSY_MAX = Metric(
    "tocsin_host_disk_busy_max_ratio", GAUGE, "ratio",
    "Highest share of time in which a disk had something to do, in the last minute.",
    emitter="agent", labels=DEVICE,
)  # fmt: skip
POWER_MAX = Metric(
    "tocsin_host_cpu_power_max_watts", GAUGE, "watts",
    "Highest power that a package of CPUs drew, in the last minute.",
    emitter="agent", labels=PACKAGE,
)  # fmt: skip

CPU = Metric(
    "tocsin_host_cpu_busy_sampled_ratio", HISTOGRAM, "ratio",
    "Share of all CPUs' time that was neither idle nor waiting for a disk, between each two looks.",
    emitter="agent",
)  # fmt: skip
MEMORY = Metric(
    "tocsin_host_memory_used_sampled_ratio", HISTOGRAM, "ratio",
    "Share of memory that could not be had without swapping, at each look.",
    emitter="agent",
)  # fmt: skip
RECEIVED = Metric(
    "tocsin_host_network_receive_sampled_bytes_per_second", HISTOGRAM, "bytes",
    "Rate at which all network devices together received, between each two looks.",
    emitter="agent",
)  # fmt: skip
SENT = Metric(
    "tocsin_host_network_transmit_sampled_bytes_per_second", HISTOGRAM, "bytes",
    "Rate at which all network devices together sent, between each two looks.",
    emitter="agent",
)  # fmt: skip
READ = Metric(
    "tocsin_host_disk_read_sampled_bytes_per_second", HISTOGRAM, "bytes",
    "Rate at which all disks together were read, between each two looks.",
    emitter="agent",
)  # fmt: skip
WRITTEN = Metric(
    "tocsin_host_disk_written_sampled_bytes_per_second", HISTOGRAM, "bytes",
    "Rate at which all disks together were written, between each two looks.",
    emitter="agent",
)  # fmt: skip
DISK_BUSY = Metric(
    "tocsin_host_disk_busy_sampled_ratio", HISTOGRAM, "ratio",
    "Share of time in which the busiest disk had something to do, between each two looks.",
    emitter="agent",
)  # fmt: skip
POWER = Metric(
    "tocsin_host_cpu_power_sampled_watts", HISTOGRAM, "watts",
    "Power that all packages of CPUs together drew, between each two looks.",
    emitter="agent",
)  # fmt: skip

FOLDED = Metric(
    "tocsin_sampling_folded_devices", GAUGE, "",
    "Devices beyond the fifteen of a kind that are told apart; their peaks are those of all of them together.",
    emitter="agent", labels={"kind": 3},
)  # fmt: skip
METRICS = (
    CPU_MAX, MEMORY_MAX, RECEIVED_MAX, SENT_MAX, READ_MAX, WRITTEN_MAX, DISK_BUSY_MAX, POWER_MAX,
    CPU, MEMORY, RECEIVED, SENT, READ, WRITTEN, DISK_BUSY, POWER, FOLDED,
)  # fmt: skip
