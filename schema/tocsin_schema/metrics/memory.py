"""The fields of /proc/meminfo, under node_exporter's names: those in kB as bytes, the others as they are."""

from tocsin_schema.metric import GAUGE, Metric

# fs/proc/meminfo.c, mm/hugetlb.c and arch/*/mm of Linux 3.10 to 6.18.
_SIZES = """
MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive Active(anon) Inactive(anon) Active(file)
Inactive(file) Unevictable Mlocked HighTotal HighFree LowTotal LowFree MmapCopy SwapTotal SwapFree Zswap Zswapped
Dirty Writeback AnonPages Mapped Shmem KReclaimable Slab SReclaimable SUnreclaim KernelStack ShadowCallStack
PageTables SecPageTables Quicklists NFS_Unstable Bounce WritebackTmp CommitLimit Committed_AS VmallocTotal
VmallocUsed VmallocChunk Percpu EarlyMemtestBad HardwareCorrupted AnonHugePages ShmemHugePages ShmemPmdMapped
FileHugePages FilePmdMapped CmaTotal CmaFree Unaccepted Balloon GPUActive GPUReclaim Hugepagesize Hugetlb
DirectMap4k DirectMap64k DirectMap1M DirectMap2M DirectMap4M DirectMap32M DirectMap1G DirectMap2G
"""
_COUNTS = "HugePages_Total HugePages_Free HugePages_Rsvd HugePages_Surp"


def _metric(field: str, suffix: str, unit: str) -> Metric:
    name = field.replace("(", "_").replace(")", "") + suffix
    return Metric(f"node_memory_{name}", GAUGE, unit, f"Memory information field {name}.", emitter="agent")


FIELDS = {field: _metric(field, "_bytes", "bytes") for field in _SIZES.split()} | {
    field: _metric(field, "", "") for field in _COUNTS.split()
}
"""The metric of each field of the file, by the field's name there."""

METRICS = tuple(FIELDS.values())
