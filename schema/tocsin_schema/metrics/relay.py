"""The agent's relay of events to the collector."""

from tocsin_schema.metric import COUNTER, Metric

CODES = 24
"""The most distinct status codes kept apart."""

REQUESTS = Metric(
    "tocsin_agent_relay_requests_total", COUNTER, "",
    "Requests to the agent's event relay by the status code answered.",
    emitter="agent", labels={"code": CODES},
)  # fmt: skip

METRICS = (REQUESTS,)
