"""Every host: is one gone, is one full, what do its GPUs do."""

from tocsin_dashboards.builder import Board, Panel, Query, Row, Variable
from tocsin_dashboards.promql import rate, rate_by, ratio

_HOST = "{{instance}}"
_GPU = "{{instance}} {{gpu}}"
_WIRE = 'device!="lo"'

HOSTS = (
    Panel(
        "CPU in use",
        "Share of the host's CPU time that was not idle, over all cores.",
        "percentunit",
        (Query(f"""1 - avg by (instance) ({rate("node_cpu_seconds_total", 'mode="idle"')})""", _HOST),),
    ),
    Panel(
        "Memory in use",
        "Share of memory that could not be had without swapping.",
        "percentunit",
        (Query("1 - " + ratio("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"), _HOST),),
    ),
    Panel(
        "Waiting for CPU",
        "Share of time in which at least one task waited for a CPU (pressure stall information).",
        "percentunit",
        (Query(rate("node_pressure_cpu_waiting_seconds_total"), _HOST),),
    ),
    Panel(
        "Fullest file system",
        "Used share of each host's fullest file system.",
        "percentunit",
        (
            Query(
                f"max by (instance) (1 - {ratio('node_filesystem_avail_bytes', 'node_filesystem_size_bytes')})", _HOST
            ),
        ),
    ),
    Panel(
        "Disk traffic",
        "Bytes read and written a second, all devices.",
        "Bps",
        (
            Query(rate_by("instance", "node_disk_read_bytes_total"), f"{_HOST} read"),
            Query(rate_by("instance", "node_disk_written_bytes_total"), f"{_HOST} written"),
        ),
    ),
    Panel(
        "Network traffic",
        "Bytes received and sent a second, all devices but the loopback.",
        "Bps",
        (
            Query(rate_by("instance", "node_network_receive_bytes_total", _WIRE), f"{_HOST} received"),
            Query(rate_by("instance", "node_network_transmit_bytes_total", _WIRE), f"{_HOST} sent"),
        ),
    ),
)

GPUS = (
    Panel(
        "GPU in use",
        "Share of time in which a kernel ran, as the driver samples it.",
        "percentunit",
        (Query("tocsin_gpu_utilization_ratio{$select}", _GPU),),
    ),
    Panel(
        "GPU memory",
        "Used share of each GPU's memory.",
        "percentunit",
        (Query(ratio("tocsin_gpu_memory_used_bytes", "tocsin_gpu_memory_total_bytes"), _GPU),),
    ),
    Panel(
        "GPU power",
        "Power from the energy counter, which misses no spike between scrapes.",
        "watt",
        (Query(rate("tocsin_gpu_energy_joules_total"), _GPU),),
    ),
)

BOARD = Board(
    uid="tocsin-fleet",
    title="tocsin / Fleet",
    description="Every host that an agent watches: CPU, memory, pressure, disks, network, GPUs.",
    variables=(
        Variable("job", "Job", "node_boot_time_seconds"),
        Variable("instance", "Instance", "node_boot_time_seconds"),
    ),
    links=(("Model", "tocsin-model"),),
    rows=(Row("Hosts", HOSTS), Row("GPUs", GPUS)),
)
