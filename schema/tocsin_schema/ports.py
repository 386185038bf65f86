"""Default addresses. Both ports lie outside the block that Prometheus' registry hands out to exporters (9100 to about
10100) and are unassigned at IANA, so that tocsin stands beside an old node_exporter without a quarrel."""

AGENT_LISTEN = "127.0.0.1:10300"
COLLECTOR_LISTEN = "127.0.0.1:10301"
