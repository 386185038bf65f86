"""Software RAID, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

_DEVICE = {"device": 512}


def _metric(name: str, help: str, labels: dict[str, int] | None = None) -> Metric:
    return Metric(f"node_md_{name}", GAUGE, "", help, emitter="agent", labels=_DEVICE | (labels or {}))


STATE = _metric("state", "Indicates the state of md-device.", {"state": 5})
DISKS = _metric("disks", "Number of active/failed/spare disks of device.", {"state": 3})
DISKS_REQUIRED = _metric("disks_required", "Total number of disks of device.")
BLOCKS = _metric("blocks", "Total number of blocks on device.")
BLOCKS_SYNCED = _metric("blocks_synced", "Number of blocks synced on device.")

METRICS = (STATE, DISKS, DISKS_REQUIRED, BLOCKS, BLOCKS_SYNCED)
