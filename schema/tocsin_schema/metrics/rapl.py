"""Energy of the CPUs and their memory, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, Metric

# A package of more than one die has a zone a die, whose name is not a kind and a number.
_DIES = tuple(f"package-{package}-die-{die}" for package in range(8) for die in range(2))

ZONES = {
    zone: Metric(
        f"node_rapl_{zone.replace('-', '_')}_joules_total",
        COUNTER,
        "joules",
        f"Current RAPL {zone} value in joules",
        emitter="agent",
        labels={"index": 32, "path": 64},
    )
    for zone in ("package", "core", "uncore", "dram", "psys", *_DIES)
}
"""The metric of each kind of zone (drivers/powercap/intel_rapl_common.c)."""

METRICS = tuple(ZONES.values())
