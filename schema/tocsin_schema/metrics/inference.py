"""What model servers tell of their requests: one set of names, whoever serves."""

from tocsin_schema.metric import COUNTER, GAUGE, HISTOGRAM, Metric

MODEL = {"project": 16, "model": 64, "version": 64}
OUTCOME = {**MODEL, "outcome": 4}
ROUTE = {**MODEL, "route": 25}

REQUESTS = Metric(
    "tocsin_inference_requests_total",
    COUNTER,
    "",
    "Requests that ended, by outcome: ok, client_error, server_error or cancelled (the client had gone).",
    emitter="capture",
    labels=OUTCOME,
)
DURATION = Metric(
    "tocsin_inference_request_duration_seconds",
    HISTOGRAM,
    "seconds",
    "From the start of a request to the last byte of its answer.",
    emitter="capture",
    labels=MODEL,
    otel="http.server.request.duration",
)
FIRST_BYTE = Metric(
    "tocsin_inference_time_to_first_byte_seconds",
    HISTOGRAM,
    "seconds",
    "From the start of a request to the first byte of its answer's body.",
    emitter="capture",
    labels=MODEL,
)
IN_FLIGHT = Metric(
    "tocsin_inference_in_flight",
    GAUGE,
    "",
    "Requests that are being served.",
    emitter="capture",
    labels=MODEL,
    otel="http.server.active_requests",
)
ROUTE_DURATION = Metric(
    "tocsin_inference_route_duration_seconds",
    HISTOGRAM,
    "seconds",
    "Like tocsin_inference_request_duration_seconds, by the route's template or the watched function's name.",
    emitter="capture",
    labels=ROUTE,
)

METRICS = (REQUESTS, DURATION, FIRST_BYTE, IN_FLIGHT, ROUTE_DURATION)
