"""What is known of the GPUs as series. Pure: workers' snapshots, XID counts and a time in, bytes out."""

from tocsin_agent.exposition import family
from tocsin_schema.metrics import gpu as metrics

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tocsin_agent.gpu.worker import Snapshot
    from tocsin_schema.metric import Metric

    Labels = Mapping[str, str]
    Row = tuple[Labels, float]

VALUES = (
    metrics.UTILIZATION, metrics.MEMORY_USED, metrics.MEMORY_TOTAL, metrics.POWER, metrics.POWER_LIMIT, metrics.ENERGY,
    metrics.TEMPERATURE,
)  # fmt: skip


def render(
    gpus: "list[tuple[int, Snapshot]]",
    xids: "Mapping[tuple[str, str], Mapping[str, int]]",
    now: float,
    stale_s: float,
    *,
    driver_up: bool,
) -> bytes:
    """The families in the text format. A snapshot older than ``stale_s`` counts as failed: no values, ``up`` 0."""
    alive = [(_labels(index, gpu), gpu) for index, gpu in gpus if _alive(gpu, now, stale_s)]
    living = {gpu.uuid for _, gpu in alive}
    # After a reload a GPU may stand at another index; where it stood it is neither up nor down.
    down = [
        (_labels(index, gpu), gpu) for index, gpu in gpus if not _alive(gpu, now, stale_s) and gpu.uuid not in living
    ]
    every = alive + down
    info = [({**label, "name": gpu.name, "driver": gpu.version}, 1) for label, gpu in every if gpu.uuid]
    up = [(label, 1) for label, _ in alive] + [(label, 0) for label, _ in down]
    return b"".join((
        family(metrics.DRIVER_UP, [({}, int(driver_up))]),
        family(metrics.INFO, info),
        family(metrics.UP, up),
        family(metrics.AGE, [(label, now - gpu.sampled) for label, gpu in every if gpu.sampled is not None]),
        *(family(metric, _rows(metric, alive)) for metric in VALUES),
        family(metrics.BUSY, [(label, gpu.busy_s) for label, gpu in alive if metrics.UTILIZATION.name in gpu.values]),
        family(metrics.ECC, _ecc(alive)),
        family(metrics.XID, _xids(xids)),
        family(metrics.ERRORS, _errors(every)),
    ))  # fmt: skip


def _alive(gpu: "Snapshot", now: float, stale_s: float) -> bool:
    return gpu.up and gpu.sampled is not None and now - gpu.sampled <= stale_s


def _labels(index: int, gpu: "Snapshot") -> dict[str, str]:
    return {"gpu": str(index), "uuid": gpu.uuid}


def _rows(metric: "Metric", alive: "Iterable[tuple[Labels, Snapshot]]") -> "list[Row]":
    return [(label, gpu.values[metric.name]) for label, gpu in alive if metric.name in gpu.values]


def _ecc(alive: "Iterable[tuple[Labels, Snapshot]]") -> "list[Row]":
    keys = [(kind, f"{metrics.ECC.name} {kind}") for kind in ("corrected", "uncorrected")]
    return [
        ({**label, "kind": kind}, gpu.values[key]) for label, gpu in alive for kind, key in keys if key in gpu.values
    ]


def _xids(xids: "Mapping[tuple[str, str], Mapping[str, int]]") -> "list[Row]":
    rows = sorted(xids.items())
    return [
        ({"gpu": gpu, "uuid": uuid, "xid": xid}, count) for (gpu, uuid), counts in rows for xid, count in counts.items()
    ]


def _errors(every: "Iterable[tuple[Labels, Snapshot]]") -> "list[Row]":
    return [({**label, "reason": reason}, count) for label, gpu in every for reason, count in gpu.errors.items()]
