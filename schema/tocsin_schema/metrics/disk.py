"""Block devices, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

DISKS = 512


def _disk(name: str, type: str, unit: str, help: str, otel: str | None = None) -> Metric:
    return Metric(f"node_disk_{name}", type, unit, help, emitter="agent", labels={"device": DISKS}, otel=otel)


def _about(name: str, help: str, *labels: str) -> Metric:
    bounds = dict.fromkeys(("device", *labels), DISKS)
    return Metric(f"node_disk_{name}", GAUGE, "", help, emitter="agent", labels=bounds)


FIELDS = (
    _disk("reads_completed_total", COUNTER, "", "The total number of reads completed successfully."),
    _disk("reads_merged_total", COUNTER, "", "The total number of reads merged."),
    _disk("read_bytes_total", COUNTER, "bytes", "The total number of bytes read successfully.", "system.disk.io"),
    _disk("read_time_seconds_total", COUNTER, "seconds", "The total number of seconds spent by all reads."),
    _disk("writes_completed_total", COUNTER, "", "The total number of writes completed successfully."),
    _disk("writes_merged_total", COUNTER, "", "The number of writes merged."),
    _disk("written_bytes_total", COUNTER, "bytes", "The total number of bytes written successfully.", "system.disk.io"),
    _disk("write_time_seconds_total", COUNTER, "seconds", "This is the total number of seconds spent by all writes."),
    _disk("io_now", GAUGE, "", "The number of I/Os currently in progress."),
    _disk("io_time_seconds_total", COUNTER, "seconds", "Total seconds spent doing I/Os.", "system.disk.io_time"),
    _disk("io_time_weighted_seconds_total", COUNTER, "seconds", "The weighted # of seconds spent doing I/Os."),
    _disk("discards_completed_total", COUNTER, "", "The total number of discards completed successfully."),
    _disk("discards_merged_total", COUNTER, "", "The total number of discards merged."),
    _disk("discarded_sectors_total", COUNTER, "", "The total number of sectors discarded successfully."),
    _disk(
        "discard_time_seconds_total", COUNTER, "seconds", "This is the total number of seconds spent by all discards."
    ),
    _disk("flush_requests_total", COUNTER, "", "The total number of flush requests completed successfully"),
    _disk(
        "flush_requests_time_seconds_total",
        COUNTER,
        "seconds",
        "This is the total number of seconds spent by all flush requests.",
    ),
)
"""In the order of /proc/diskstats: 11 of them before Linux 4.18, 15 before 5.5, then 17."""

INFO = _about(
    "info",
    "Info of /sys/block/<block_device>.",
    *("major", "minor", "path", "wwn", "model", "serial", "revision", "rotational"),
)
FILESYSTEM_INFO = _about("filesystem_info", "Info about disk filesystem.", "type", "usage", "uuid", "version")
MAPPER_INFO = _about(
    "device_mapper_info", "Info about disk device mapper.", "name", "uuid", "vg_name", "lv_name", "lv_layer"
)
ABOUT = (INFO, FILESYSTEM_INFO, MAPPER_INFO)

ATA = {
    "ID_ATA_WRITE_CACHE": _about("ata_write_cache", "ATA disk has a write cache."),
    "ID_ATA_WRITE_CACHE_ENABLED": _about("ata_write_cache_enabled", "ATA disk has its write cache enabled."),
    "ID_ATA_ROTATION_RATE_RPM": _about("ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs)."),
}
"""By udev's property."""

METRICS = (*FIELDS, *ABOUT, *ATA.values())
