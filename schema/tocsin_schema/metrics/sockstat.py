"""Sockets in use, under node_exporter's names."""

from tocsin_schema.metric import GAUGE, Metric

USED = Metric("node_sockstat_sockets_used", GAUGE, "", "Number of IPv4 sockets in use.", emitter="agent")

# net/ipv4/proc.c and net/ipv6/proc.c; a protocol without its count of sockets has none.
_STATES = {
    "TCP": "inuse orphan tw alloc mem mem_bytes",
    "UDP": "inuse mem mem_bytes",
    "UDPLITE": "inuse",
    "RAW": "inuse",
    "FRAG": "inuse memory",
    "TCP6": "inuse",
    "UDP6": "inuse",
    "UDPLITE6": "inuse",
    "RAW6": "inuse",
    "FRAG6": "inuse memory",
}

STATES = {
    (protocol, state): Metric(
        f"node_sockstat_{protocol}_{state}",
        GAUGE,
        "bytes" if state == "mem_bytes" else "",
        f"Number of {protocol} sockets in state {state}.",
        emitter="agent",
    )
    for protocol, states in _STATES.items()
    for state in states.split()
}
"""The metric of each protocol and state."""

METRICS = (USED, *STATES.values())
