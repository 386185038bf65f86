"""The fields of each node's meminfo and numastat, under node_exporter's names, which carry no unit there."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

NODES = 256

# drivers/base/node.c of Linux 3.10 to 6.18; those with a unit are in kB and leave as bytes.
_FIELDS = """
MemTotal MemFree MemUsed SwapCached Active Inactive Active(anon) Inactive(anon) Active(file) Inactive(file) Unevictable
Mlocked HighTotal HighFree LowTotal LowFree Dirty Writeback FilePages Mapped AnonPages Shmem KernelStack ShadowCallStack
PageTables SecPageTables NFS_Unstable Bounce WritebackTmp KReclaimable Slab SReclaimable SUnreclaim AnonHugePages
ShmemHugePages ShmemPmdMapped FileHugePages FilePmdMapped Unaccepted Balloon GPUActive GPUReclaim HugePages_Total
HugePages_Free HugePages_Surp
"""
_COUNTERS = "numa_hit numa_miss numa_foreign interleave_hit local_node other_node"


def _metric(field: str, type: str) -> Metric:
    name = field.replace("(", "_").replace(")", "") + ("_total" if type == COUNTER else "")
    help = f"Memory information field {name}."
    return Metric(f"node_memory_numa_{name}", type, "", help, emitter="agent", labels={"node": NODES})


FIELDS = {field: _metric(field, GAUGE) for field in _FIELDS.split()}
"""The metric of each field of meminfo."""
COUNTERS = {field: _metric(field, COUNTER) for field in _COUNTERS.split()}
"""The metric of each field of numastat."""

METRICS = (*FIELDS.values(), *COUNTERS.values())
