"""Hosts: is it there, has it memory, has it disk."""

from tocsin_alerts.alert import CRITICAL, FLEET, VALUE, WARNING, Alert, Comparison, Match, Term

_REAL = (Match("fstype", "!~", "tmpfs|ramfs|overlay|squashfs|iso9660|devtmpfs|nsfs|fuse.lxcfs"),)
_FREE = "node_filesystem_avail_bytes"
_SIZE = "node_filesystem_size_bytes"
_REAL_PROMQL = ", ".join(match.promql() for match in _REAL)

ALERTS = (
    Alert(
        name="HostDown",
        severity=CRITICAL,
        summary="agent {instance} does not answer",
        description="The agent on {instance} does not answer its scrapes: host down, unreachable, or agent dead.",
        panel=(FLEET, 1),
        for_s=60,
        comparison=Comparison(Term("up", (Match("job", "=", "tocsin-agent"),)), "==", 0),
    ),
    Alert(
        name="HostMemoryLow",
        severity=CRITICAL,
        summary="only {value} of memory left on {instance}",
        description="{value} of the memory of {instance} is available. When it runs out, the kernel kills.",
        panel=(FLEET, 2),
        for_s=600,
        unit="ratio",
        comparison=Comparison(
            Term("node_memory_MemAvailable_bytes", (), VALUE), "<", 0.05, over=Term("node_memory_MemTotal_bytes")
        ),
    ),
    Alert(
        name="HostDiskSpaceLow",
        severity=CRITICAL,
        summary="only {value} of {mountpoint} left on {instance}",
        description="{value} of {mountpoint} ({device}) on {instance} is free. What writes there will fail soon.",
        panel=(FLEET, 3),
        for_s=900,
        unit="ratio",
        comparison=Comparison(Term(_FREE, _REAL), "<", 0.05, over=Term(_SIZE, _REAL)),
    ),
    Alert(
        name="HostDiskWillFill",
        severity=WARNING,
        summary="{mountpoint} on {instance} fills up within four hours",
        description="At the pace of the last six hours {mountpoint} ({device}) on {instance} will be full by then.",
        panel=(FLEET, 4),
        for_s=3600,
        promql=(
            f"predict_linear({_FREE}{{{_REAL_PROMQL}}}[6h], 14400) < 0"
            f" and {_FREE}{{{_REAL_PROMQL}}} / {_SIZE}{{{_REAL_PROMQL}}} < 0.4"
        ),
    ),
)
