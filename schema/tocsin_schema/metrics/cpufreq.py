"""The CPUs' frequencies, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

_CPU = {"cpu": 1024}


def _hertz(name: str, help: str) -> Metric:
    return Metric(f"node_cpu_{name}hertz", GAUGE, "hertz", f"{help} in hertz.", emitter="agent", labels=_CPU)


FREQUENCY = _hertz("frequency_", "Current CPU thread frequency")
AVERAGE = _hertz("frequency_avg_", "Average CPU thread frequency")
MINIMUM = _hertz("frequency_min_", "Minimum CPU thread frequency")
MAXIMUM = _hertz("frequency_max_", "Maximum CPU thread frequency")
SCALING = _hertz("scaling_frequency_", "Current scaled CPU thread frequency")
SCALING_MINIMUM = _hertz("scaling_frequency_min_", "Minimum scaled CPU thread frequency")
SCALING_MAXIMUM = _hertz("scaling_frequency_max_", "Maximum scaled CPU thread frequency")
GOVERNOR = Metric(
    "node_cpu_scaling_governor",
    GAUGE,
    "",
    "Current enabled CPU frequency governor.",
    emitter="agent",
    labels={**_CPU, "governor": 16},
)
AGE = Metric(
    "tocsin_cpufreq_age_seconds",
    GAUGE,
    "seconds",
    "How old the frequencies are, when the firmware is slow to tell them.",
    emitter="agent",
    labels={"device": 1},
)

METRICS = (FREQUENCY, AVERAGE, MINIMUM, MAXIMUM, SCALING, SCALING_MINIMUM, SCALING_MAXIMUM, GOVERNOR, AGE)
