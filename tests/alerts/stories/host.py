"""Hosts: gone, short of memory, short of disk."""

from collections.abc import Callable

from tests.alerts.promtool import BEFORE, BELOW, FIRES, MISSING, RESOLVES, STALE, Check, Fires, Story, Values
from tests.alerts.stories.telling import AGENT, Course, Gauge, Kinds, named, silent, standard

_DISK = {"device": "/dev/sda1", "fstype": "ext4", "mountpoint": "/", **AGENT}
_UNREAL = ("tmpfs", "ramfs", "overlay", "squashfs", "iso9660", "devtmpfs", "nsfs", "fuse.lxcfs")
_FREE, _SIZE = "node_filesystem_avail_bytes", "node_filesystem_size_bytes"


def stories() -> list[Story]:
    """Those of each alert."""
    up, other = named("up", AGENT), named("up", {**AGENT, "job": "mysql"})
    memory = {
        named("node_memory_MemAvailable_bytes", AGENT): Gauge(4.9, 5.0),
        named("node_memory_MemTotal_bytes", AGENT): Gauge(100.0, 100.0),
    }
    return [
        *standard("HostDown", {up: Gauge(0.0, 1.0)}, AGENT, Course(0.0)),
        silent("HostDown", "another job", {other: Gauge(0.0, 1.0)}),
        *standard("HostMemoryLow", memory, AGENT, Course(0.049, tick_s=300)),
        *standard("HostDiskSpaceLow", _disk("ext4"), _DISK, Course(0.049, tick_s=300)),
        silent("HostDiskSpaceLow", "no disks", {k: v for fstype in _UNREAL for k, v in _disk(fstype).items()}, 300),
        *_filling(),
    ]


def _disk(fstype: str) -> Kinds:
    labels = _DISK | {"fstype": fstype}
    return {named(_FREE, labels): Gauge(4.9, 5.0), named(_SIZE, labels): Gauge(100.0, 100.0)}


_TICK_S = 600
_HOUR = 3_600 // _TICK_S
_END = 10 * _HOUR
_SLOW_FULL = 8 * _HOUR
"""Here the line through ``_slow`` reaches 0 in four hours exactly; a tick later in less."""

_Left = Callable[[int], float | str | None]


def _slow(tick: int) -> float:
    return 6.0 - 0.5 * tick / _HOUR


def _fast(tick: int) -> float:
    return 10.0 - 2.0 * tick / _HOUR


def _until_end(left: _Left, after: float | None) -> _Left:
    """As before until the end; then another value, or gone."""
    return lambda tick: left(tick) if tick < _END else after if after is not None else STALE if tick == _END else None


def _filling() -> list[Story]:
    """A disk of 10 bytes, and what is left of it."""
    fires, last = (Fires(_DISK, 0.0),), Check(FIRES, (_END - 1) * _TICK_S, (Fires(_DISK, 0.0),))
    first = _SLOW_FULL + 1 + _HOUR
    before, then = Check(BEFORE, (first - 1) * _TICK_S), Check(FIRES, first * _TICK_S, fires)
    missing, below = Check(MISSING, (_END - 1) * _TICK_S), Check(BELOW, (_END - 1) * _TICK_S)
    soon = [Check(BEFORE, 4 * _HOUR * _TICK_S), Check(FIRES, (4 * _HOUR + 1) * _TICK_S, fires)]
    return [
        _fill("fires, and ends", [before, then, last, Check(RESOLVES, _END * _TICK_S)], _until_end(_slow, 9.0)),
        _fill("its series go", [last, Check(MISSING, _END * _TICK_S)], _until_end(_slow, None)),
        _fill("without its size", [missing], _slow, size=False),
        _fill("without what is free", [missing], lambda _: None),
        _fill("is full, and no fuller", [below], lambda _: 0.01),
        # Within four hours of its end from the start, but two fifths are free for three hours.
        _fill("much is free", soon, _fast),
        _fill("no disks", [below], _slow, fstypes=_UNREAL),
    ]  # fmt: skip


def _fill(
    name: str, checks: list[Check], left: _Left, *, size: bool = True, fstypes: tuple[str, ...] = ("ext4",)
) -> Story:
    ticks, series = range(_END + 2), dict[str, Values]()
    for labels in (_DISK | {"fstype": fstype} for fstype in fstypes):
        series[named(_FREE, labels)] = [left(tick) for tick in ticks]
        if size:
            series[named(_SIZE, labels)] = [10.0 for _ in ticks]
    return Story("HostDiskWillFill", name, _TICK_S, series, tuple(checks))
