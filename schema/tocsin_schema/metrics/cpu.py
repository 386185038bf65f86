"""What /proc/stat tells, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

_CPUS = 1024

CPU_SECONDS = Metric(
    "node_cpu_seconds_total",
    COUNTER,
    "seconds",
    "Seconds the CPUs spent in each mode.",
    emitter="agent",
    labels={"cpu": _CPUS, "mode": 8},
    otel="system.cpu.time",
)
GUEST_SECONDS = Metric(
    "node_cpu_guest_seconds_total",
    COUNTER,
    "seconds",
    "Seconds the CPUs spent in guests (VMs) for each mode.",
    emitter="agent",
    labels={"cpu": _CPUS, "mode": 2},
)
ONLINE = Metric(
    "node_cpu_online",
    GAUGE,
    "",
    "CPUs that are online and being scheduled.",
    emitter="agent",
    labels={"cpu": _CPUS},
)
ISOLATED = Metric(
    "node_cpu_isolated",
    GAUGE,
    "",
    "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.",
    emitter="agent",
    labels={"cpu": _CPUS},
)
CORE_THROTTLES = Metric(
    "node_cpu_core_throttles_total",
    COUNTER,
    "",
    "Number of times this CPU core has been throttled.",
    emitter="agent",
    labels={"package": 16, "core": _CPUS},
)
PACKAGE_THROTTLES = Metric(
    "node_cpu_package_throttles_total",
    COUNTER,
    "",
    "Number of times this CPU package has been throttled.",
    emitter="agent",
    labels={"package": 16},
)
COUNT = Metric(
    "tocsin_host_cpus",
    GAUGE,
    "",
    "CPUs that the seconds of the CPU `mean` are the mean of, in the profile `summary`.",
    emitter="agent",
)
INTERRUPTS = Metric("node_intr_total", COUNTER, "", "Total number of interrupts serviced.", emitter="agent")
CONTEXT_SWITCHES = Metric(
    "node_context_switches_total", COUNTER, "", "Total number of context switches.", emitter="agent"
)
BOOT_TIME = Metric("node_boot_time_seconds", GAUGE, "seconds", "Node boot time, in unixtime.", emitter="agent")
FORKS = Metric(
    "node_forks_total", COUNTER, "", "Total number of forks.", emitter="agent", otel="system.process.created"
)
RUNNING = Metric("node_procs_running", GAUGE, "", "Number of processes in runnable state.", emitter="agent")
BLOCKED = Metric(
    "node_procs_blocked", GAUGE, "", "Number of processes blocked waiting for I/O to complete.", emitter="agent"
)

CPU = (CPU_SECONDS, GUEST_SECONDS, ONLINE, ISOLATED, CORE_THROTTLES, PACKAGE_THROTTLES, COUNT)
STAT = (INTERRUPTS, CONTEXT_SWITCHES, BOOT_TIME, FORKS, RUNNING, BLOCKED)
METRICS = CPU + STAT
