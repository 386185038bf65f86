"""How the agent's server and its configuration fare."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

HANDSHAKES_FAILED = Metric(
    "tocsin_agent_http_handshakes_failed_total",
    COUNTER,
    "",
    "Connections that the agent ended because TLS could not be agreed on with the client.",
    emitter="agent",
)
TAKEOVERS = Metric(
    "tocsin_agent_serving_takeovers_total",
    COUNTER,
    "",
    "Times that a thread which hung in a source was replaced; the source's success metric names it.",
    emitter="agent",
)
RELOAD_SUCCESSFUL = Metric(
    "tocsin_agent_config_last_reload_successful",
    GAUGE,
    "",
    "Whether the last attempt to read the configuration again succeeded; the one before is in use otherwise.",
    emitter="agent",
)
RELOAD_TIME = Metric(
    "tocsin_agent_config_last_reload_success_timestamp_seconds",
    GAUGE,
    "seconds",
    "When the configuration that is in use was read.",
    emitter="agent",
)

METRICS = (HANDSHAKES_FAILED, TAKEOVERS, RELOAD_SUCCESSFUL, RELOAD_TIME)
