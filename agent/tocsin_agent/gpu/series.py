"""What is known of the GPUs as series. Pure: workers' snapshots, counts of faults and a time in, bytes out."""

from tocsin_agent.exposition import family, number, series
from tocsin_agent.gpu.entries import METRICS
from tocsin_schema.metric import header
from tocsin_schema.metrics import gpu as metrics
from tocsin_schema.metrics.nvswitch import SXID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin_agent.gpu.worker import Snapshot

    Labels = Mapping[str, str]
    Row = tuple[Labels, float]

STATE = (
    metrics.INFO, metrics.UP, metrics.AGE, metrics.XID, metrics.ERRORS, metrics.DRIVER_UP, metrics.DRIVER_STATE,
)  # fmt: skip
"""What is told of a GPU that does not answer, too."""
VALUES = tuple(metric for metric in METRICS if metric not in (*STATE, metrics.SAMPLED))


def render(
    gpus: "list[tuple[int, Snapshot]]",
    xids: "Mapping[tuple[str, str], Mapping[str, int]]",
    now: float,
    stale_s: float,
    *,
    driver_up: bool | None,
) -> bytes:
    """The families in the text format. A snapshot older than ``stale_s`` counts as failed: no values, ``up`` 0."""
    alive = [(_labels(index, gpu), gpu) for index, gpu in gpus if _alive(gpu, now, stale_s)]
    living = {gpu.uuid for _, gpu in alive if gpu.uuid}
    # After a reload a GPU may stand at another index; where it stood it is neither up nor down.
    down = [
        (_labels(index, gpu), gpu) for index, gpu in gpus if not _alive(gpu, now, stale_s) and gpu.uuid not in living
    ]
    every = alive + down
    info = [({**label, "name": gpu.name, "driver": gpu.version}, 1) for label, gpu in every if gpu.uuid]
    up = [(label, 1) for label, _ in alive] + [(label, 0) for label, _ in down]
    rows = _rows(alive)
    return b"".join((
        family(metrics.DRIVER_UP, [] if driver_up is None else [({}, int(driver_up))]),
        family(metrics.INFO, info),
        family(metrics.UP, up),
        family(metrics.AGE, [(label, now - gpu.sampled) for label, gpu in every if gpu.sampled is not None]),
        *(family(metric, rows[metric.name]) for metric in VALUES),
        _histogram(alive),
        family(metrics.XID, _xids(xids)),
        family(metrics.ERRORS, _errors(every)),
    ))  # fmt: skip


def of_driver(state: str, states: "Iterable[str]") -> bytes:
    """The agent's hold on the driver, as one series a state."""
    return family(metrics.DRIVER_STATE, [({"state": name}, int(name == state)) for name in states])


def of_switches(switches: "Mapping[tuple[str, str, str], int]") -> bytes:
    """SXIDs by switch, number and gravity."""
    labels = ("switch", "sxid", "kind")
    return family(SXID, [(dict(zip(labels, key, strict=True)), count) for key, count in sorted(switches.items())])


def _alive(gpu: "Snapshot", now: float, stale_s: float) -> bool:
    return gpu.up and gpu.sampled is not None and now - gpu.sampled <= stale_s


def _labels(index: int, gpu: "Snapshot") -> dict[str, str]:
    return {"gpu": str(index), "uuid": gpu.uuid}


def _rows(alive: "Iterable[tuple[Labels, Snapshot]]") -> "dict[str, list[Row]]":
    """The rows by metric; a value's key has the metric's name and its labels behind ``gpu`` and ``uuid``."""
    names = {metric.name: [name for name in metric.labels if name not in metrics.GPU] for metric in VALUES}
    rows: dict[str, list[Row]] = {name: [] for name in names}
    for label, gpu in alive:
        for (name, *more), value in gpu.values.items():
            if name in rows:
                rows[name].append(({**label, **dict(zip(names[name], more, strict=True))}, value))
    return rows


def _histogram(alive: "Iterable[tuple[Labels, Snapshot]]") -> bytes:
    base = metrics.SAMPLED.name
    lines = [
        b"%b %b\n" % (series(name, {**label, "le": more[0]} if more else label), number(value))
        for label, gpu in alive
        for (name, *more), value in gpu.values.items()
        if name.startswith(base)
    ]
    return header(metrics.SAMPLED) + b"".join(lines) if lines else b""


def _xids(xids: "Mapping[tuple[str, str], Mapping[str, int]]") -> "list[Row]":
    rows = sorted(xids.items())
    return [
        ({"gpu": gpu, "uuid": uuid, "xid": xid}, count) for (gpu, uuid), counts in rows for xid, count in counts.items()
    ]


def _errors(every: "Iterable[tuple[Labels, Snapshot]]") -> "list[Row]":
    return [({**label, "reason": reason}, count) for label, gpu in every for reason, count in gpu.errors.items()]
