"""What this host asks of NFS servers, under node_exporter's names."""

from tocsin_schema.metric import COUNTER, Metric


def _counter(name: str, help: str, labels: dict[str, int] | None = None) -> Metric:
    return Metric(f"node_nfs_{name}_total", COUNTER, "", help, emitter="agent", labels=labels)


PACKETS = _counter("packets", "Total NFSd network packets (sent+received) by protocol type.", {"protocol": 2})
CONNECTIONS = _counter("connections", "Total number of NFSd TCP connections.")
RPCS = _counter("rpcs", "Total number of RPCs performed.")
RETRANSMISSIONS = _counter("rpc_retransmissions", "Number of RPC transmissions performed.")
REFRESHES = _counter("rpc_authentication_refreshes", "Number of RPC authentication refreshes performed.")
REQUESTS = _counter("requests", "Number of NFS procedures invoked.", {"proto": 3, "method": 128})

METRICS = (PACKETS, CONNECTIONS, RPCS, RETRANSMISSIONS, REFRESHES, REQUESTS)
