"""GPUs: faults, and devices that are gone."""

from tests.alerts.promtool import BEFORE, FIRES, Check, Fires, Story, Values
from tests.alerts.stories.telling import AGENT, TICK_S, Counter, Course, Gauge, counted, named, silent, standard

_CARD = {"gpu": "0", "uuid": "GPU-1", **AGENT}
_XID = "tocsin_gpu_xid_errors_total"
_STATE = "tocsin_gpu_driver_state"
_RELEASED = AGENT | {"state": "released"}
_DEVICE, _PROGRAM = ("48", "62", "64", "74", "79", "95", "119", "120", "140"), ("13", "31", "43", "45")


def stories() -> list[Story]:
    """Those of each alert."""
    own = {named(_XID, _CARD | {"xid": xid}): Counter(1.0, 0.0) for xid in _PROGRAM}
    return [
        *counted("GpuXid", _XID, _CARD | {"xid": "79"}),
        _each_fault(),
        silent("GpuXid", "faults of programs", own),
        *standard("GpuLost", {named("tocsin_gpu_up", _CARD): Gauge(0.0, 1.0)}, _CARD, Course(0.0)),
        *standard("GpusReleased", {named(_STATE, _RELEASED): Gauge(1.0, 0.0)}, _RELEASED, Course(1.0)),
        _releasing(),
        silent("GpusReleased", "GPUs in use", {named(_STATE, AGENT | {"state": "up"}): Gauge(1.0, 0.0)}),
    ]


def _releasing() -> Story:
    labels = _RELEASED | {"state": "releasing"}
    series: dict[str, Values] = {named(_STATE, labels): Gauge(1.0, 0.0).values("b" * 63)}
    checks = Check(BEFORE, 59 * TICK_S), Check(FIRES, 60 * TICK_S, (Fires(labels, 1.0),))
    return Story("GpusReleased", "a call that hangs", TICK_S, series, checks)


def _each_fault() -> Story:
    series: dict[str, Values] = {
        named(_XID, _CARD | {"xid": xid}): Counter(1.0, 0.0).values("g" * 15 + "b") for xid in _DEVICE
    }
    fires = tuple(Fires(_CARD | {"xid": xid}, 1.0) for xid in _DEVICE)
    checks = Check(BEFORE, 14 * TICK_S), Check(FIRES, 15 * TICK_S, fires)
    return Story("GpuXid", "each fault of the device", TICK_S, series, checks)
