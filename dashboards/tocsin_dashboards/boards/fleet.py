"""Every host: is one gone, is one full, what do its GPUs do."""

from tocsin_dashboards.board import (
    ANY,
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    Board,
    Drill,
    Event,
    Link,
    Panel,
    Query,
    Row,
    Variable,
    above,
    below,
)
from tocsin_dashboards.promql import gain, gain_in_range, mean_by, quantile, rate, rate_by, ratio, series

_HOST = "{{instance}}"
_GPU = "{{instance}} GPU {{gpu}}"
_DISK = "{{instance}} {{device}}"
_WIRE = 'device!="lo"'
_REAL = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|devtmpfs|nsfs|fuse.lxcfs"'
"""File systems that can fill up."""
_FREE, _SIZE = "node_filesystem_avail_bytes", "node_filesystem_size_bytes"
_AGENT = series("up", 'job="tocsin-agent"')
# Six hours hold file systems that are no longer mounted.
_IN_FOUR_HOURS = f"(predict_linear({series(_FREE, _REAL)}[6h], 14400) and {series(_FREE, _REAL)})"
_FREE_RATIO = ratio(_FREE, _SIZE, _REAL)
_XIDS = "tocsin_gpu_xid_errors_total"
_INSTANCE = f"{_GPU} instance {{{{gpu_instance}}}}"
_SM, _TENSOR, _ARITHMETIC = 'part="sm"', 'part="tensor"', 'part=~"tensor_.*|fp.*"'
_AS_A_WHOLE = 'part=~"sm|sm_occupancy|tensor|dram"'
_BY_INSTANCE = "instance, gpu, gpu_instance"
_SXIDS = "tocsin_nvswitch_sxid_errors_total"
_RELEASED = 'state=~"releas.*"'
_SLOWDOWN, _HOT_MEMORY = 'limit="slowdown"', 'limit="memory"'
_DEVICE_XIDS = 'xid=~"48|62|64|74|79|95|119|120|140"'
"""Those after which a GPU needs a reset, a reboot or a replacement."""

_IDLE, _BUSY = 'mode="idle"', 'mode!="idle"'
_CPU = f"1 - avg by (instance) ({rate('node_cpu_seconds_total', _IDLE)})"
_MEMORY = f"1 - {ratio('node_memory_MemAvailable_bytes', 'node_memory_MemTotal_bytes')}"
_FULLEST = f"max by (instance) (1 - {_FREE_RATIO})"

_TO_HOST = (Drill("Only this host", "tocsin-fleet", ("instance",)),)
_UP = ((0, "does not answer", RED), (1, "answers", GREEN))
_NO_GPU = "no GPU"
_NOT_LOOKED = "not looked at"
_NO_COUNTERS, _NO_INSTANCE, _NO_FABRIC = "no GPU with counters", "no GPU is cut", "no GPU in a fabric"

BROKEN = (
    Panel(
        1,
        "Hosts that answer",
        "Share of the agents whose last scrape came back. Below 100 % a host is down, unreachable, or its agent is "
        "dead; the chart below tells which and since when.",
        "percentunit",
        (Query(f"avg({_AGENT})", "answer"),),
        kind="stat",
        width=3,
        maximum=1,
        decimals=1,
        steps=below(1),
        no_value="no agent",
    ),
    Panel(
        5,
        "Hosts that are gone",
        "Agents whose last scrape did not come back.",
        "short",
        (Query(f"sum(1 - {_AGENT})", "gone"),),
        kind="stat",
        width=3,
        decimals=0,
        steps=above(1),
        no_value="no agent",
    ),
    Panel(
        4,
        "File systems full within four hours",
        "File systems with less than 40 % free that will have nothing left in four hours at the pace of the last six.",
        "short",
        (Query(f"sum(({_IN_FOUR_HOURS} < bool 0) * ({_FREE_RATIO} < bool 0.4))", "will be full"),),
        kind="stat",
        width=6,
        decimals=0,
        steps=above(1),
    ),
    Panel(
        7,
        "Hosts that restarted",
        "Hosts that were started within the time that the board shows.",
        "short",
        (Query(f"sum(time() - {series('node_boot_time_seconds')} < bool $__range_s)", "restarted"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=((None, GREEN), (1, ORANGE)),
    ),
    Panel(
        24,
        "GPUs that answer",
        "Share of the GPUs that answer the driver in time. A GPU that does not is hung or has fallen off the bus.",
        "percentunit",
        (Query(f"avg({series('tocsin_gpu_up')})", "answer"),),
        kind="stat",
        width=4,
        maximum=1,
        decimals=1,
        steps=below(1),
        no_value=_NO_GPU,
    ),
    Panel(
        6,
        "GPU faults",
        "XID errors, in the time that the board shows, after which a GPU needs a reset, a reboot or a replacement.",
        "short",
        (Query(f"sum({gain_in_range(_XIDS, _DEVICE_XIDS)})", "faults"),),
        kind="stat",
        width=4,
        decimals=0,
        steps=above(ANY),
        no_value=_NO_GPU,
    ),
    Panel(
        8,
        "Who answers",
        "Each host over time: green while its agent answered, red while it did not.",
        "short",
        (Query(f"min by (instance) ({_AGENT})", _HOST),),
        kind="state-timeline",
        width=8,
        words=_UP,
        drills=_TO_HOST,
        no_value="no agent",
    ),
    Panel(
        9,
        "Hosts",
        "Every host with its fullest file system; a click on a row shows that host alone.",
        "percentunit",
        (
            Query(_CPU, "CPU", steps=above(0.9, 0.95)),
            Query(f"max by (instance) ({_MEMORY})", "Memory", steps=above(0.9, 0.95)),
            Query(_FULLEST, "Fullest file system", steps=above(0.9, 0.95)),
            Query(f"max by (instance) ({series('node_load1')})", "Load", unit="none"),
            Query(
                f"max by (instance) (time() - {series('node_boot_time_seconds')})", "Running for", unit="dtdurations"
            ),
        ),
        kind="table",
        width=16,
        height=7,
        decimals=1,
        sort_by="Memory",
        drills=_TO_HOST,
    ),
)

HOSTS = (
    Panel(
        10,
        "CPU in use",
        "Share of the host's CPU time that was not idle, over all cores.",
        "percentunit",
        (Query(_CPU, _HOST),),
        maximum=1,
        drills=_TO_HOST,
    ),
    Panel(
        2,
        "Memory in use",
        "Share of memory that could not be had without swapping. The line is where the alert HostMemoryLow begins.",
        "percentunit",
        (Query(_MEMORY, _HOST),),
        maximum=1,
        steps=above(0.95),
        drills=_TO_HOST,
    ),
    Panel(
        3,
        "Fullest file system",
        "Used share of each host's fullest file system. The line is where the alert HostDiskSpaceLow begins.",
        "percentunit",
        (Query(_FULLEST, _HOST),),
        maximum=1,
        steps=above(0.95),
        drills=_TO_HOST,
    ),
    Panel(
        12,
        "Waiting",
        "Share of time in which at least one task waited for CPU, memory or disk (pressure stall information): what a "
        "busy host costs those who work on it.",
        "percentunit",
        (
            Query(rate("node_pressure_cpu_waiting_seconds_total"), f"{_HOST} CPU"),
            Query(rate("node_pressure_memory_waiting_seconds_total"), f"{_HOST} memory"),
            Query(rate("node_pressure_io_waiting_seconds_total"), f"{_HOST} disk"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        13,
        "Disk traffic",
        "Bytes read and written a second, all devices.",
        "Bps",
        (
            Query(rate_by("instance", "node_disk_read_bytes_total"), f"{_HOST} read"),
            Query(rate_by("instance", "node_disk_written_bytes_total"), f"{_HOST} written"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        14,
        "Network traffic",
        "Bytes received and sent a second, all devices but the loopback.",
        "Bps",
        (
            Query(rate_by("instance", "node_network_receive_bytes_total", _WIRE), f"{_HOST} received"),
            Query(rate_by("instance", "node_network_transmit_bytes_total", _WIRE), f"{_HOST} sent"),
        ),
        drills=_TO_HOST,
    ),
)

GPUS = (
    Panel(
        20,
        "GPU in use",
        "Share of time in which a kernel ran, from every sample between two scrapes: a short peak is not missed.",
        "percentunit",
        (Query(rate("tocsin_gpu_utilization_busy_seconds_total"), _GPU),),
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        21,
        "GPU memory",
        "Used share of each GPU's memory.",
        "percentunit",
        (Query(ratio("tocsin_gpu_memory_used_bytes", "tocsin_gpu_memory_total_bytes"), _GPU),),
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        22,
        "GPU power",
        "Power from the energy counter, which misses no spike between scrapes.",
        "watt",
        (Query(rate("tocsin_gpu_energy_joules_total"), _GPU),),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        23,
        "XID events",
        "XID errors of GPUs and SXID errors of switches as they came, by number. XIDs after which a GPU needs a reset,"
        " a reboot or a replacement alert.",
        "short",
        (
            Query(f"sum by (instance, xid) ({gain(_XIDS)})", f"{_HOST} XID {{{{xid}}}}"),
            Query(f"sum by (instance, sxid) ({gain(_SXIDS)})", f"{_HOST} switch SXID {{{{sxid}}}}"),
        ),
        width=12,
        bars=True,
        steps=above(ANY),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        25,
        "GPU temperature",
        "Temperature of each GPU's die.",
        "celsius",
        (Query(series("tocsin_gpu_temperature_celsius"), _GPU),),
        width=12,
        minimum=None,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
)

CPU_AND_MEMORY = (
    Panel(
        30,
        "CPU time by mode",
        "Where the CPU time of the chosen hosts goes, idle time left out; 100 % is all their cores.",
        "percentunit",
        (Query(f"avg by (mode) ({rate('node_cpu_seconds_total', _BUSY)})", "{{mode}}"),),
        maximum=1,
        stacked=True,
    ),
    Panel(
        31,
        "Load for each CPU",
        "Tasks that run or wait, averaged over a minute, over the number of CPUs. Above 1 some wait.",
        "none",
        (
            Query(
                f"max by (instance) ({series('node_load1')}) / sum by (instance) ({series('node_cpu_online')})",
                _HOST,
            ),
        ),
        decimals=2,
        drills=_TO_HOST,
    ),
    Panel(
        32,
        "Processes",
        "Processes that can run, and those that wait for a disk.",
        "short",
        (
            Query(series("node_procs_running"), f"{_HOST} running"),
            Query(series("node_procs_blocked"), f"{_HOST} blocked"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        33,
        "Switches and interrupts",
        "Context switches and interrupts a second.",
        "ops",
        (
            Query(rate("node_context_switches_total"), f"{_HOST} switches"),
            Query(rate("node_intr_total"), f"{_HOST} interrupts"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        34,
        "New processes",
        "Forks a second. A loop that starts a process each time shows here.",
        "ops",
        (Query(rate("node_forks_total"), _HOST),),
        drills=_TO_HOST,
    ),
    Panel(
        35,
        "Standing still",
        "Share of time in which no task at all could go on for want of memory or of a disk.",
        "percentunit",
        (
            Query(rate("node_pressure_memory_stalled_seconds_total"), f"{_HOST} memory"),
            Query(rate("node_pressure_io_stalled_seconds_total"), f"{_HOST} disk"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        36,
        "Memory by use",
        "Memory of the chosen hosts: of processes, of files that are cached, free.",
        "bytes",
        (
            Query(f"sum({series('node_memory_AnonPages_bytes')})", "processes"),
            Query(f"sum({series('node_memory_Cached_bytes')})", "file cache"),
            Query(f"sum({series('node_memory_Slab_bytes')})", "kernel"),
            Query(f"sum({series('node_memory_MemFree_bytes')})", "free"),
        ),
        stacked=True,
    ),
    Panel(
        37,
        "Swap",
        "Pages a second that were swapped in and out. A host that does both at once thrashes.",
        "ops",
        (Query(rate("node_vmstat_pswpin"), f"{_HOST} in"), Query(rate("node_vmstat_pswpout"), f"{_HOST} out")),
        drills=_TO_HOST,
    ),
    Panel(
        38,
        "Page faults that read a disk",
        "Major page faults a second: memory that had to come from a disk.",
        "ops",
        (Query(rate("node_vmstat_pgmajfault"), _HOST),),
        drills=_TO_HOST,
    ),
    Panel(
        39,
        "Killed for memory",
        "Processes that the kernel killed because memory ran out.",
        "short",
        (Query(gain("node_vmstat_oom_kill"), _HOST),),
        bars=True,
        steps=above(ANY),
        drills=_TO_HOST,
    ),
    Panel(
        40,
        "Waiting to be written",
        "File data in memory that is not on disk yet: it is lost when the host dies.",
        "bytes",
        (
            Query(series("node_memory_Dirty_bytes"), f"{_HOST} dirty"),
            Query(series("node_memory_Writeback_bytes"), f"{_HOST} being written"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        41,
        "Swap in use",
        "Memory that lies on a disk. It may stay for days without harm; what hurts is the traffic beside it.",
        "bytes",
        (Query(f"{series('node_memory_SwapTotal_bytes')} - {series('node_memory_SwapFree_bytes')}", _HOST),),
        drills=_TO_HOST,
    ),
)

DISKS_AND_NETWORK = (
    Panel(
        50,
        "File systems",
        "Every file system that can fill up. What is left in four hours follows the pace of the last six hours.",
        "percentunit",
        (
            Query(f"max by (instance, mountpoint) (1 - {_FREE_RATIO})", "Used", steps=above(0.9, 0.95)),
            Query(f"max by (instance, mountpoint) ({series(_SIZE, _REAL)})", "Size", unit="bytes"),
            Query(f"min by (instance, mountpoint) ({series(_FREE, _REAL)})", "Free", unit="bytes"),
            Query(
                f"min by (instance, mountpoint) ({_IN_FOUR_HOURS})",
                "Free in four hours",
                unit="bytes",
                steps=below(0),
            ),
            Query(
                "max by (instance, mountpoint) (1 - "
                + ratio("node_filesystem_files_free", "node_filesystem_files", _REAL)
                + ")",
                "Inodes used",
                steps=above(0.9, 0.95),
            ),
            Query(
                f"max by (instance, mountpoint) ({series('node_filesystem_readonly', _REAL)})",
                "Read-only",
                unit="none",
            ),
            Query(
                f"max by (instance, mountpoint) ({series('node_filesystem_device_error', _REAL)})",
                "Fails",
                unit="none",
                steps=above(1),
            ),
        ),
        kind="table",
        width=24,
        minimum=None,
        sort_by="Used",
        drills=_TO_HOST,
    ),
    Panel(
        51,
        "Disk busy",
        "Share of time in which a disk had something to do.",
        "percentunit",
        (Query(rate("node_disk_io_time_seconds_total"), _DISK),),
        maximum=1,
        drills=_TO_HOST,
    ),
    Panel(
        52,
        "Disk latency",
        "Mean time of a read and of a write, the wait in the queue included.",
        "s",
        (
            Query(
                mean_by("instance", "node_disk_read_time_seconds_total", "node_disk_reads_completed_total"),
                f"{_HOST} read",
            ),
            Query(
                mean_by("instance", "node_disk_write_time_seconds_total", "node_disk_writes_completed_total"),
                f"{_HOST} write",
            ),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        53,
        "Disk operations",
        "Reads and writes a second that were completed.",
        "iops",
        (
            Query(rate_by("instance", "node_disk_reads_completed_total"), f"{_HOST} read"),
            Query(rate_by("instance", "node_disk_writes_completed_total"), f"{_HOST} write"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        54,
        "Disk queue",
        "Operations that wait or are under way, on average.",
        "none",
        (Query(rate("node_disk_io_time_weighted_seconds_total"), _DISK),),
        decimals=2,
        drills=_TO_HOST,
    ),
    Panel(
        55,
        "Network packets",
        "Packets received and sent a second, all devices but the loopback.",
        "pps",
        (
            Query(rate_by("instance", "node_network_receive_packets_total", _WIRE), f"{_HOST} received"),
            Query(rate_by("instance", "node_network_transmit_packets_total", _WIRE), f"{_HOST} sent"),
        ),
        drills=_TO_HOST,
    ),
    Panel(
        56,
        "Packets lost",
        "Packets a second that were dropped or damaged, received and sent.",
        "pps",
        (
            Query(rate_by("instance", "node_network_receive_drop_total", _WIRE), f"{_HOST} received, dropped"),
            Query(rate_by("instance", "node_network_receive_errs_total", _WIRE), f"{_HOST} received, damaged"),
            Query(rate_by("instance", "node_network_transmit_drop_total", _WIRE), f"{_HOST} sent, dropped"),
            Query(rate_by("instance", "node_network_transmit_errs_total", _WIRE), f"{_HOST} sent, damaged"),
        ),
        drills=_TO_HOST,
    ),
)

GPUS_IN_DETAIL = (
    Panel(
        60,
        "GPUs",
        "Every GPU as it is now.",
        "percentunit",
        (
            Query(f"max by (instance, gpu) ({series('tocsin_gpu_utilization_ratio')})", "In use"),
            Query(
                f"max by (instance, gpu) ({ratio('tocsin_gpu_memory_used_bytes', 'tocsin_gpu_memory_total_bytes')})",
                "Memory used",
            ),
            Query(f"max by (instance, gpu) ({series('tocsin_gpu_activity_ratio', _SM)})", "Multiprocessors"),
            Query(f"max by (instance, gpu) ({series('tocsin_gpu_activity_ratio', _TENSOR)})", "Tensor cores"),
            Query(f"max by (instance, gpu) ({series('tocsin_gpu_memory_total_bytes')})", "Memory", unit="bytes"),
            Query(f"max by (instance, gpu) ({series('tocsin_gpu_power_watts')})", "Power", unit="watt"),
            Query(f"max by (instance, gpu) ({series('tocsin_gpu_power_limit_watts')})", "Power limit", unit="watt"),
            Query(f"max by (instance, gpu) ({series('tocsin_gpu_mig_enabled')})", "Cut into instances", unit="none"),
        ),
        kind="table",
        width=16,
        no_value=_NO_GPU,
        sort_by="In use",
        drills=_TO_HOST,
    ),
    Panel(
        61,
        "Models and drivers",
        "How many GPUs there are of each model, by driver.",
        "short",
        (Query(f"count by (name, driver) ({series('tocsin_gpu_info')})", "GPUs"),),
        kind="table",
        no_value=_NO_GPU,
    ),
    Panel(
        62,
        "Memory errors",
        "Errors in GPU memory as they came: corrected ones are a sign of age, uncorrected ones spoil results.",
        "short",
        (
            Query(
                f"sum by (instance, gpu, kind) ({gain('tocsin_gpu_ecc_errors_total')})",
                f"{_GPU} {{{{kind}}}}",
            ),
        ),
        bars=True,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        63,
        "Power beside its limit",
        "Power as the driver averages it, as a share of the limit in force. At 100 % the GPU is throttled.",
        "percentunit",
        (Query(ratio("tocsin_gpu_power_watts", "tocsin_gpu_power_limit_watts"), _GPU),),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        64,
        "Age of the sample",
        "Time since each GPU was last sampled whole. It grows while a GPU hangs.",
        "s",
        (Query(series("tocsin_gpu_sample_age_seconds"), _GPU),),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        65,
        "Samples that failed",
        "Samples a second that failed, and values that were dropped as garbage; 0 while none has.",
        "ops",
        (
            # The counter has no series before the first failure.
            Query(
                f"{rate_by('instance', 'tocsin_gpu_errors_total')}"
                f" or 0 * max by (instance) ({series('tocsin_gpu_driver_up')})",
                _HOST,
            ),
        ),
        width=12,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        66,
        "GPU drivers",
        "Whether NVML, the driver's library, starts on each host that has it, and where the GPUs were asked for.",
        "short",
        (
            # While the GPUs are released nobody knows whether the driver starts, and the first series is absent.
            Query(
                f"{series('tocsin_gpu_driver_up')}"
                f" or 2 * max by (instance) ({series('tocsin_gpu_driver_state', _RELEASED)} == 1)",
                _HOST,
            ),
        ),
        kind="state-timeline",
        width=12,
        height=8,
        words=((0, "does not start", RED), (1, "runs", GREEN), (2, "released on request", BLUE)),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        67,
        "Clocks",
        "Clocks of the multiprocessors and of the memory, as shares of the highest that the GPU can reach.",
        "percentunit",
        (Query(ratio("tocsin_gpu_clock_hertz", "tocsin_gpu_clock_max_hertz"), f"{_GPU} {{{{clock}}}}"),),
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        68,
        "Room below the limits of temperature",
        "Degrees between the die and the temperature at which the GPU slows down, and between the memory and its own; "
        "of newer GPUs as they reckon it themselves.",
        "celsius",
        (
            Query(
                f"{series('tocsin_gpu_temperature_limit_celsius', _SLOWDOWN)} - on (instance, gpu, uuid) "
                f"{series('tocsin_gpu_temperature_celsius')}",
                f"{_GPU} die",
            ),
            Query(
                f"{series('tocsin_gpu_temperature_limit_celsius', _HOT_MEMORY)} - on (instance, gpu, uuid) "
                f"{series('tocsin_gpu_memory_temperature_celsius')}",
                f"{_GPU} memory",
            ),
            Query(
                f"{series('tocsin_gpu_temperature_margin_celsius')} - on (instance, gpu, uuid) "
                f"{series('tocsin_gpu_temperature_margin_limit_celsius', _SLOWDOWN)}",
                f"{_GPU} by its own reckoning",
            ),
        ),
        minimum=None,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        69,
        "Memory traffic, video engines",
        "Share of time in which device memory was read or written, and in which video was encoded or decoded.",
        "percentunit",
        (
            Query(series("tocsin_gpu_memory_utilization_ratio"), f"{_GPU} memory"),
            Query(series("tocsin_gpu_encoder_utilization_ratio"), f"{_GPU} encoder"),
            Query(series("tocsin_gpu_decoder_utilization_ratio"), f"{_GPU} decoder"),
        ),
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        200,
        "Mapped device memory",
        "Used share of BAR1, the window through which the CPU and other devices see the GPU's memory. Once it is full, "
        "nothing more can be mapped.",
        "percentunit",
        (Query(ratio("tocsin_gpu_bar1_used_bytes", "tocsin_gpu_bar1_total_bytes"), _GPU),),
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        201,
        "Power limit and its range",
        "The limit in force beside the one that the GPU starts with, and the lowest and highest that it can be given.",
        "watt",
        (
            Query(series("tocsin_gpu_power_limit_watts"), f"{_GPU} in force"),
            Query(series("tocsin_gpu_power_limit_range_watts"), f"{_GPU} {{{{bound}}}}"),
        ),
        width=16,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        202,
        "Throttled",
        "Share of time in which the clocks were held down, by reason: power, heat, or the clocks that were asked for.",
        "percentunit",
        (Query(rate("tocsin_gpu_throttled_seconds_total"), f"{_GPU} {{{{reason}}}}"),),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        203,
        "Memory errors by place",
        "Errors as they came, by the memory in which they happened; those of DRAM lead to rows that are replaced.",
        "short",
        (
            Query(
                f"sum by (instance, gpu, location) ({gain('tocsin_gpu_ecc_location_errors_total')})",
                f"{_GPU} {{{{location}}}}",
            ),
        ),
        bars=True,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        204,
        "Memory taken out of use",
        "Rows that spare ones replace and pages that are retired. A card that runs out of spares must be replaced.",
        "short",
        (
            Query(series("tocsin_gpu_remapped_rows"), f"{_GPU} rows, {{{{kind}}}}"),
            Query(series("tocsin_gpu_retired_pages"), f"{_GPU} pages, {{{{kind}}}}"),
        ),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        205,
        "Memory that needs a reset",
        "1 while a row or page waits for the reset that takes it out of use, or once a row could not be replaced.",
        "short",
        (
            Query(series("tocsin_gpu_row_remap_pending"), f"{_GPU} row waits"),
            Query(series("tocsin_gpu_row_remap_failed"), f"{_GPU} row failed"),
            Query(series("tocsin_gpu_page_retirement_pending"), f"{_GPU} page waits"),
        ),
        decimals=0,
        steps=above(1),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        206,
        "PCIe and NVLink traffic",
        "Bytes a second as the GPU counts them, both ways. GPUs before Hopper count none over PCIe.",
        "Bps",
        (
            Query(rate("tocsin_gpu_pcie_bytes_total"), f"{_GPU} PCIe {{{{direction}}}}"),
            Query(rate("tocsin_gpu_nvlink_bytes_total"), f"{_GPU} NVLink {{{{direction}}}}"),
        ),
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        207,
        "PCIe and NVLink errors",
        "Errors of the wires as they came. Many replays mean a bad seat, riser or cable.",
        "short",
        (
            Query(gain("tocsin_gpu_pcie_replays_total"), f"{_GPU} PCIe replay"),
            Query(gain("tocsin_gpu_pcie_errors_total"), f"{_GPU} PCIe {{{{kind}}}}"),
            Query(gain("tocsin_gpu_nvlink_errors_total"), f"{_GPU} NVLink {{{{kind}}}}"),
        ),
        bars=True,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        208,
        "Memory by process",
        "Device memory of each process; those beyond the sixteen that use the most are one.",
        "bytes",
        (Query(series("tocsin_gpu_process_memory_bytes"), f"{_GPU} {{{{process}}}} {{{{pid}}}}"),),
        width=12,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        209,
        "Time by process",
        "Share of time in which each process used the GPU's multiprocessors.",
        "percentunit",
        (Query(series("tocsin_gpu_process_utilization_ratio"), f"{_GPU} {{{{process}}}} {{{{pid}}}}"),),
        width=12,
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        210,
        "Peaks of use",
        "Utilisation in the driver's own samples, several a second: the busiest of the last minute, and what nine "
        "in ten stay below.",
        "percentunit",
        (
            Query(series("tocsin_gpu_utilization_max_ratio"), f"{_GPU} highest"),
            Query(quantile(0.9, "instance, gpu", "tocsin_gpu_utilization_sampled_ratio"), f"{_GPU} nine in ten"),
        ),
        width=12,
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        212,
        "Peaks of memory in use",
        "Most device memory in use in the last minute, as a share of what is installed.",
        "percentunit",
        (Query(ratio("tocsin_gpu_memory_used_max_bytes", "tocsin_gpu_memory_total_bytes"), _GPU),),
        width=24,
        maximum=1,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
    Panel(
        211,
        "Peaks of power",
        "Highest power in the driver's own samples of the last minute.",
        "watt",
        (Query(series("tocsin_gpu_power_max_watts"), _GPU),),
        width=12,
        no_value=_NO_GPU,
        drills=_TO_HOST,
    ),
)

GPU_PARTS = (
    Panel(
        230,
        "What the parts of a GPU do",
        "Multiprocessors with work, warps beside the most that fit, tensor cores, memory bandwidth: each as a share of "
        "what it could do, from the GPU's own counters. GPUs before Hopper have none.",
        "percentunit",
        (Query(rate("tocsin_gpu_activity_seconds_total", _AS_A_WHOLE), f"{_GPU} {{{{part}}}}"),),
        width=12,
        maximum=1,
        no_value=_NO_COUNTERS,
        drills=_TO_HOST,
    ),
    Panel(
        231,
        "Arithmetic by precision",
        "Tensor cores in FP64 (dfma), FP16 and BF16 (hmma) and integers (imma), and arithmetic outside of them.",
        "percentunit",
        (Query(rate("tocsin_gpu_activity_seconds_total", _ARITHMETIC), f"{_GPU} {{{{part}}}}"),),
        width=12,
        maximum=1,
        no_value=_NO_COUNTERS,
        drills=_TO_HOST,
    ),
    Panel(
        232,
        "Instances",
        "Every instance of the GPUs that are cut into several (MIG), as it is now.",
        "percentunit",
        (
            Query(
                f"max by ({_BY_INSTANCE}) "
                f"({ratio('tocsin_gpu_mig_memory_used_bytes', 'tocsin_gpu_mig_memory_total_bytes')})",
                "Memory used",
            ),
            Query(f"max by ({_BY_INSTANCE}) ({series('tocsin_gpu_mig_activity_ratio', _SM)})", "In use"),
            Query(f"max by ({_BY_INSTANCE}) ({series('tocsin_gpu_mig_activity_ratio', _TENSOR)})", "Tensor cores"),
            Query(f"max by ({_BY_INSTANCE}) ({series('tocsin_gpu_mig_memory_total_bytes')})", "Memory", unit="bytes"),
            Query(
                f"sum by ({_BY_INSTANCE}) ({series('tocsin_gpu_mig_multiprocessors')})", "Multiprocessors", unit="none"
            ),
        ),
        kind="table",
        width=16,
        no_value=_NO_INSTANCE,
        sort_by="Memory used",
        drills=_TO_HOST,
    ),
    Panel(
        233,
        "Profiles",
        "How many instances there are of each profile.",
        "short",
        (Query(f"count by (profile) ({series('tocsin_gpu_mig_info')})", "Instances"),),
        kind="table",
        no_value=_NO_INSTANCE,
    ),
    Panel(
        234,
        "Memory of instances",
        "Used share of each instance's memory.",
        "percentunit",
        (Query(ratio("tocsin_gpu_mig_memory_used_bytes", "tocsin_gpu_mig_memory_total_bytes"), _INSTANCE),),
        maximum=1,
        no_value=_NO_INSTANCE,
        drills=_TO_HOST,
    ),
    Panel(
        235,
        "What the parts of an instance do",
        "As of a whole GPU, each as a share of what the instance could do. GPUs before Hopper do not tell.",
        "percentunit",
        (Query(rate("tocsin_gpu_mig_activity_seconds_total"), f"{_INSTANCE} {{{{part}}}}"),),
        maximum=1,
        no_value=_NO_INSTANCE,
        drills=_TO_HOST,
    ),
    Panel(
        236,
        "Memory by process and instance",
        "Device memory of each process; those beyond the sixteen of an instance that use the most are one.",
        "bytes",
        (Query(series("tocsin_gpu_mig_process_memory_bytes"), f"{_INSTANCE} {{{{process}}}} {{{{pid}}}}"),),
        no_value=_NO_INSTANCE,
        drills=_TO_HOST,
    ),
    Panel(
        237,
        "Fabric",
        "Whether each GPU has joined the fabric of NVLink switches; one that has not cannot reach its peers.",
        "short",
        (Query(series("tocsin_gpu_fabric_joined"), _GPU),),
        kind="state-timeline",
        height=8,
        words=((0, "has not joined", RED), (1, "joined", GREEN)),
        no_value=_NO_FABRIC,
        drills=_TO_HOST,
    ),
    Panel(
        238,
        "Faults of the fabric",
        "1 while the fabric reports the fault of a GPU: less bandwidth, routes that fail or recover, timeouts.",
        "short",
        (Query(series("tocsin_gpu_fabric_fault"), f"{_GPU} {{{{fault}}}}"),),
        decimals=0,
        steps=above(1),
        no_value=_NO_FABRIC,
        drills=_TO_HOST,
    ),
    Panel(
        239,
        "Cliques",
        "How many GPUs there are in each clique, within which all reach each other, and how joining it went.",
        "short",
        (Query(f"count by (cluster, clique, state, status) ({series('tocsin_gpu_fabric_info')})", "GPUs"),),
        kind="table",
        no_value=_NO_FABRIC,
    ),
)

PEAKS = (
    Panel(
        300,
        "Peaks of CPU",
        "Share of all CPUs' time in a tenth of a second: the busiest of the last minute, and what nine in ten stay "
        "below.",
        "percentunit",
        (
            Query(series("tocsin_host_cpu_busy_max_ratio"), f"{_HOST} highest"),
            Query(quantile(0.9, "instance", "tocsin_host_cpu_busy_sampled_ratio"), f"{_HOST} nine in ten"),
        ),
        maximum=1,
        width=12,
        no_value=_NOT_LOOKED,
        drills=_TO_HOST,
    ),
    Panel(
        301,
        "Peaks of memory",
        "Share of memory that could not be had without swapping: the most of the last minute, and what nine in ten "
        "looks stay below.",
        "percentunit",
        (
            Query(series("tocsin_host_memory_used_max_ratio"), f"{_HOST} highest"),
            Query(quantile(0.9, "instance", "tocsin_host_memory_used_sampled_ratio"), f"{_HOST} nine in ten"),
        ),
        maximum=1,
        width=12,
        no_value=_NOT_LOOKED,
        drills=_TO_HOST,
    ),
    Panel(
        303,
        "Peaks of the network",
        "Highest rates of each device in the last minute.",
        "Bps",
        (
            Query(series("tocsin_host_network_receive_max_bytes_per_second"), f"{_DISK} received"),
            Query(series("tocsin_host_network_transmit_max_bytes_per_second"), f"{_DISK} sent"),
        ),
        no_value=_NOT_LOOKED,
        drills=_TO_HOST,
    ),
    Panel(
        304,
        "Peaks of disk traffic",
        "Highest rates of each disk in the last minute.",
        "Bps",
        (
            Query(series("tocsin_host_disk_read_max_bytes_per_second"), f"{_DISK} read"),
            Query(series("tocsin_host_disk_written_max_bytes_per_second"), f"{_DISK} written"),
        ),
        no_value=_NOT_LOOKED,
        drills=_TO_HOST,
    ),
    Panel(
        305,
        "Peaks of busy disks",
        "Share of a tenth of a second in which a disk had something to do: each disk's busiest of the last minute, and "
        "what the busiest of all stays below in nine of ten looks.",
        "percentunit",
        (
            Query(series("tocsin_host_disk_busy_max_ratio"), _DISK),
            Query(quantile(0.9, "instance", "tocsin_host_disk_busy_sampled_ratio"), f"{_HOST} nine in ten"),
        ),
        maximum=1,
        no_value=_NOT_LOOKED,
        drills=_TO_HOST,
    ),
    Panel(
        306,
        "Usual traffic",
        "What network and disks of a host stay below in nine of ten looks: where it is far below the peaks, the "
        "traffic comes in bursts.",
        "Bps",
        tuple(
            Query(quantile(0.9, "instance", f"tocsin_host_{what}_sampled_bytes_per_second"), f"{_HOST} {word}")
            for what, word in (
                ("network_receive", "received"),
                ("network_transmit", "sent"),
                ("disk_read", "read"),
                ("disk_written", "written"),
            )
        ),
        no_value=_NOT_LOOKED,
        drills=_TO_HOST,
    ),
    Panel(
        307,
        "Time that was looked at",
        "Share of time in which the agent looked at the host several times a second: while tasks wait, or always where "
        "sampling.hz says so. Peaks outside of it were not seen. Looks that fail show as their rate.",
        "percentunit",
        (
            Query(rate("tocsin_sampling_covered_seconds_total"), f"{_HOST} looked at"),
            Query(series("tocsin_sampling_active"), f"{_HOST} now"),
            Query(rate("tocsin_sampling_failures_total"), f"{_HOST} failed a second"),
        ),
        no_value=_NOT_LOOKED,
        drills=_TO_HOST,
    ),
    Panel(
        308,
        "Alarms of waiting tasks",
        "How often the kernel woke the agent because tasks waited for CPU, memory or a disk for 300 ms of 2 s.",
        "short",
        (Query(gain("tocsin_sampling_alarms_total"), f"{_HOST} {{{{resource}}}}"),),
        bars=True,
        no_value="no alarms on this kernel",
        drills=_TO_HOST,
    ),
)

SYSTEMS = (
    Panel(
        70,
        "Kernels",
        "How many hosts run which kernel on which machine.",
        "short",
        (Query(f"count by (sysname, release, machine) ({series('node_uname_info')})", "Hosts", steps=NEUTRAL),),
        kind="table",
        width=24,
        height=6,
    ),
)

BOARD = Board(
    uid="tocsin-fleet",
    title="tocsin / Fleet",
    description="Every host that an agent watches: CPU, memory, pressure, disks, network, GPUs.",
    variables=(
        Variable("job", "Job", "node_boot_time_seconds"),
        Variable("instance", "Instance", "node_boot_time_seconds", after=("job",)),
    ),
    links=(Link("Model", "tocsin-model"), Link("Pipeline", "tocsin-pipeline")),
    events=(
        Event("Restarts", f"{series('node_boot_time_seconds')} * 1000", f"{_HOST} was started", ORANGE, at_value=True),
        Event("Gone", f"{_AGENT} == 0", f"{_HOST} does not answer", RED),
    ),
    rows=(
        Row(100, "Is a host broken, which, since when", BROKEN),
        Row(101, "Hosts", HOSTS),
        Row(102, "GPUs", GPUS),
        Row(103, "CPU and memory in detail", CPU_AND_MEMORY, collapsed=True),
        Row(104, "Disks and network in detail", DISKS_AND_NETWORK, collapsed=True),
        Row(105, "GPUs in detail", GPUS_IN_DETAIL, collapsed=True),
        Row(107, "Parts, instances and fabric of GPUs", GPU_PARTS, collapsed=True),
        Row(108, "Peaks between scrapes", PEAKS, collapsed=True),
        Row(106, "Systems", SYSTEMS, collapsed=True),
    ),
)
