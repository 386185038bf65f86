"""What the agent's frame tells of itself."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

COLLECTOR_DURATION = Metric(
    "node_scrape_collector_duration_seconds",
    GAUGE,
    "seconds",
    "Duration of a collector scrape.",
    emitter="agent",
    labels={"collector": 64},
)
COLLECTOR_SUCCESS = Metric(
    "node_scrape_collector_success",
    GAUGE,
    "",
    "Whether a collector succeeded.",
    emitter="agent",
    labels={"collector": 64},
)
AGENT_INFO = Metric(
    "tocsin_agent_info",
    GAUGE,
    "",
    "The agent's version and the interpreter that runs it.",
    emitter="agent",
    labels={"version": 1, "python": 1},
)
HTTP_REQUESTS = Metric(
    "tocsin_agent_http_requests_total",
    COUNTER,
    "",
    "Requests that the agent answered, by status code.",
    emitter="agent",
    labels={"code": 32},
)
HTTP_CONNECTIONS = Metric(
    "tocsin_agent_http_connections", GAUGE, "", "Connections that are open to the agent now.", emitter="agent"
)
HTTP_CUT = Metric(
    "tocsin_agent_http_connections_cut_total",
    COUNTER,
    "",
    "Connections that the agent ended because the client was too slow.",
    emitter="agent",
)

METRICS = (COLLECTOR_DURATION, COLLECTOR_SUCCESS, AGENT_INFO, HTTP_REQUESTS, HTTP_CONNECTIONS, HTTP_CUT)
