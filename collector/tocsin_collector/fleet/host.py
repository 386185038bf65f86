"""What the page shows of a host: a few curves from node_* and tocsin_gpu_* series, absent where a host has none."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tocsin_alerts.alert import Match
from tocsin_collector.fleet import rates
from tocsin_collector.fleet.fleet import Fleet
from tocsin_collector.fleet.ring import Ring

Floats = NDArray[np.float64]

REAL_DISKS = (Match("device", "!~", "loop.*|ram.*|sr.*|fd.*|zram.*"),)
REAL_LINKS = (Match("device", "!~", "lo|veth.*|docker.*|br-.*|cni.*|cali.*|flannel.*"),)
REAL_FILESYSTEMS = (Match("fstype", "!~", "tmpfs|ramfs|overlay|squashfs|iso9660|devtmpfs|nsfs|fuse.lxcfs"),)


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart: times in seconds since the Unix epoch, values in ``unit`` (ratio, bytes, celsius…)."""

    name: str
    unit: str
    times: Floats
    values: Floats

    @property
    def last(self) -> float | None:
        """The newest value, None where there is none."""
        return float(self.values[-1]) if len(self.values) and not np.isnan(self.values[-1]) else None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: its label and its curves."""

    name: str
    curves: tuple[Curve, ...]


def curves(fleet: Fleet, agent: str) -> list[Curve]:
    """CPU, memory, disk and network of one agent's host."""
    ring = fleet.ring(agent)
    found = (_cpu(ring), _memory(ring), *_disk(ring), *_network(ring))
    return [curve for curve in found if curve is not None]


def fullest(fleet: Fleet, agent: str) -> tuple[str, float] | None:
    """The mount point with the largest used share, and that share."""
    ring = fleet.ring(agent)
    sizes = _newest(ring, "node_filesystem_size_bytes", REAL_FILESYSTEMS)
    free = _newest(ring, "node_filesystem_avail_bytes", REAL_FILESYSTEMS)
    shares = [(1 - free[mount] / size, mount) for mount, size in sizes.items() if size > 0 and mount in free]
    return (max(shares)[1], max(shares)[0]) if shares else None


def gpus(fleet: Fleet, agent: str) -> list[Gpu]:
    """The GPUs of one agent in the order of their index."""
    ring = fleet.ring(agent)
    names = {labels.get("gpu", "") for labels in ring.select("tocsin_gpu_up")[0]}
    wanted = (
        ("Utilisation", "ratio", "tocsin_gpu_utilization_ratio"),
        ("Memory", "bytes", "tocsin_gpu_memory_used_bytes"),
        ("Power", "watts", "tocsin_gpu_power_watts"),
        ("Temperature", "celsius", "tocsin_gpu_temperature_celsius"),
    )
    found = []
    for gpu in sorted(names, key=lambda text: (len(text), text)):
        lines = (_gauge(ring, label, unit, name, (Match("gpu", "=", gpu),)) for label, unit, name in wanted)
        found.append(Gpu(gpu, tuple(line for line in lines if line is not None)))
    return found


def _cpu(ring: Ring) -> Curve | None:
    labels, times, values = ring.select("node_cpu_seconds_total")
    if not labels or len(times) < 2:
        return None
    gained = rates.increases(values)
    idle = np.array([each.get("mode") in ("idle", "iowait") for each in labels])
    whole = rates.total(gained)
    with np.errstate(invalid="ignore", divide="ignore"):
        busy = np.where(whole > 0, 1 - rates.total(gained[idle]) / whole, np.nan)
    return Curve("CPU", "ratio", times[1:], np.clip(busy, 0, 1))


def _memory(ring: Ring) -> Curve | None:
    _, times, whole = ring.select("node_memory_MemTotal_bytes")
    _, _, free = ring.select("node_memory_MemAvailable_bytes")
    if not len(whole) or free.shape != whole.shape:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        return Curve("Memory", "ratio", times, 1 - free[0] / whole[0])


def _disk(ring: Ring) -> list[Curve | None]:
    return [
        _rate(ring, "Disk read", "bytes/s", "node_disk_read_bytes_total", REAL_DISKS),
        _rate(ring, "Disk written", "bytes/s", "node_disk_written_bytes_total", REAL_DISKS),
    ]


def _network(ring: Ring) -> list[Curve | None]:
    return [
        _rate(ring, "Network in", "bytes/s", "node_network_receive_bytes_total", REAL_LINKS),
        _rate(ring, "Network out", "bytes/s", "node_network_transmit_bytes_total", REAL_LINKS),
    ]


def _rate(ring: Ring, label: str, unit: str, name: str, match: tuple[Match, ...]) -> Curve | None:
    labels, times, values = ring.select(name, match)
    if not labels or len(times) < 2:
        return None
    return Curve(label, unit, times[1:], rates.total(rates.rates(times, values)))


def _gauge(ring: Ring, label: str, unit: str, name: str, match: tuple[Match, ...]) -> Curve | None:
    labels, times, values = ring.select(name, match)
    return Curve(label, unit, times, rates.total(values)) if labels else None


def _newest(ring: Ring, name: str, match: tuple[Match, ...]) -> dict[str, float]:
    labels, _, values = ring.select(name, match)
    pairs = zip(labels, values, strict=True)
    return {each.get("mountpoint", ""): float(row[-1]) for each, row in pairs if not np.isnan(row[-1])}
