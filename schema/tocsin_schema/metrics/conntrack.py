"""The kernel's table of connections, under node_exporter's names; counters are gauges there."""

from tocsin_schema.metric import GAUGE, Metric


def _metric(name: str, help: str) -> Metric:
    return Metric(f"node_nf_conntrack_{name}", GAUGE, "", help, emitter="agent")


ENTRIES = _metric("entries", "Number of currently allocated flow entries for connection tracking.")
LIMIT = _metric("entries_limit", "Maximum size of connection tracking table.")

STATS = {
    "found": _metric("stat_found", "Number of searched entries which were successful."),
    "invalid": _metric("stat_invalid", "Number of packets seen which can not be tracked."),
    "ignore": _metric("stat_ignore", "Number of packets seen which are already connected to a conntrack entry."),
    "insert": _metric("stat_insert", "Number of entries inserted into the list."),
    "insert_failed": _metric(
        "stat_insert_failed", "Number of entries for which list insertion was attempted but failed."
    ),
    "drop": _metric("stat_drop", "Number of packets dropped due to conntrack failure."),
    "early_drop": _metric(
        "stat_early_drop",
        "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
    ),
    "search_restart": _metric(
        "stat_search_restart",
        "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
    ),
}
"""The metrics of the columns of /proc/net/stat/nf_conntrack."""

METRICS = (ENTRIES, LIMIT, *STATS.values())
