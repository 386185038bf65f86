"""Counters of the network protocols that node_exporter shows by default, under its names and, as there, untyped."""

from tocsin_schema.metric import UNTYPED, Metric

_FIELDS = {
    "Ip": "Forwarding",
    "IpExt": "InOctets OutOctets",
    "Ip6": "InOctets OutOctets",
    "Icmp": "InErrors InMsgs OutMsgs",
    "Icmp6": "InErrors InMsgs OutMsgs",
    "TcpExt": """ListenDrops ListenOverflows SyncookiesFailed SyncookiesRecv SyncookiesSent TCPOFOQueue TCPRcvQDrop
        TCPSynRetrans TCPTimeouts""",
    "Tcp": "ActiveOpens CurrEstab InErrs InSegs OutRsts OutSegs PassiveOpens RetransSegs",
    "Udp": "InDatagrams InErrors NoPorts OutDatagrams RcvbufErrors SndbufErrors",
    "Udp6": "InDatagrams InErrors NoPorts OutDatagrams RcvbufErrors SndbufErrors",
    "UdpLite": "InErrors",
    "UdpLite6": "InErrors",
}

FIELDS = {
    f"{protocol}_{field}": Metric(
        f"node_netstat_{protocol}_{field}", UNTYPED, "", f"Statistic {protocol}{field}.", emitter="agent"
    )
    for protocol, fields in _FIELDS.items()
    for field in fields.split()
}
"""The metric of each field, by protocol and field."""

METRICS = tuple(FIELDS.values())
