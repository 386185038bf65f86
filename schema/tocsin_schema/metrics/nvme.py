"""NVMe controllers and namespaces, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

_NAMESPACE = {"device": 512, "nsid": 128}

INFO = Metric(
    "node_nvme_info",
    GAUGE,
    "",
    "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
    emitter="agent",
    labels={"device": 512, "firmware_revision": 512, "model": 512, "serial": 512, "state": 512, "cntlid": 512},
)
NAMESPACE_INFO = Metric(
    "node_nvme_namespace_info",
    GAUGE,
    "",
    "Information about NVMe namespaces. Value is always 1",
    emitter="agent",
    labels={**_NAMESPACE, "ana_state": 16},
)


def _bytes(name: str, help: str) -> Metric:
    return Metric(
        f"node_nvme_namespace_{name}_bytes", GAUGE, "bytes", f"{help} in bytes.", emitter="agent", labels=_NAMESPACE
    )


CAPACITY = _bytes("capacity", "Capacity of the NVMe namespace")
SIZE = _bytes("size", "Size of the NVMe namespace")
USED = _bytes("used", "Used space of the NVMe namespace")
BLOCK_SIZE = _bytes("logical_block_size", "Logical block size of the NVMe namespace")
AGE = Metric(
    "tocsin_nvme_age_seconds",
    GAUGE,
    "seconds",
    "How old what a controller told is, when it is slow to tell it.",
    emitter="agent",
    labels={"device": 512},
)

METRICS = (INFO, NAMESPACE_INFO, CAPACITY, SIZE, USED, BLOCK_SIZE, AGE)
