"""Mounted filesystems, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

MOUNTS = 4096
_LABELS = {"device": MOUNTS, "mountpoint": MOUNTS, "fstype": 64, "device_error": 16}


def _filesystem(name: str, unit: str, help: str, otel: str | None = None) -> Metric:
    return Metric(f"node_filesystem_{name}", GAUGE, unit, help, emitter="agent", labels=_LABELS, otel=otel)


SIZE = _filesystem("size_bytes", "bytes", "Filesystem size in bytes.", "system.filesystem.limit")
FREE = _filesystem("free_bytes", "bytes", "Filesystem free space in bytes.")
AVAILABLE = _filesystem(
    "avail_bytes", "bytes", "Filesystem space available to non-root users in bytes.", "system.filesystem.usage"
)
FILES = _filesystem("files", "", "Filesystem total file nodes.")
FILES_FREE = _filesystem("files_free", "", "Filesystem total free file nodes.")
READONLY = _filesystem("readonly", "", "Filesystem read-only status.")
DEVICE_ERROR = _filesystem(
    "device_error", "", "Whether an error occurred while getting statistics for the given device."
)
MOUNT_INFO = Metric(
    "node_filesystem_mount_info",
    GAUGE,
    "",
    "Filesystem mount information.",
    emitter="agent",
    labels={"device": MOUNTS, "major": 4096, "minor": MOUNTS, "mountpoint": MOUNTS},
)

SPACE = (SIZE, FREE, AVAILABLE, FILES, FILES_FREE)
METRICS = (*SPACE, READONLY, DEVICE_ERROR, MOUNT_INFO)
