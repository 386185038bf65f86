"""The collector's doors: who was not let in, and how many are there."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_requests_denied_total",
        COUNTER,
        "",
        "Requests that were not let in, by code: no right key or password, a scope or project that a key has not, "
        "rate_limit of web.yml, too many passwords or too much of bodies at once.",
        emitter="collector",
        labels={"code": 8},
    ),
    Metric(
        "tocsin_requests_over_quota_total",
        COUNTER,
        "",
        "Requests with events of which something was refused since its project is over a quota: of events or bytes a "
        "second, of bytes of the journal (disk), of series.",
        emitter="collector",
        labels={"project": 1_000, "quota": 4},
    ),
    Metric(
        "tocsin_quota_used_ratio",
        GAUGE,
        "ratio",
        "What a project holds of what it may: of bytes of the journal (disk), of series; from 1 on there is no room. "
        "Only of quotas that are set.",
        emitter="collector",
        labels={"project": 1_000, "quota": 2},
    ),
    Metric(
        "tocsin_connections_ended_total",
        COUNTER,
        "",
        "Connections that were closed on a client, by reason: slow, head too large, no name of client_allowed_sans, no "
        "room, evicted as the one that had waited for longest when there was none.",
        emitter="collector",
        labels={"reason": 8},
    ),
    Metric(
        "tocsin_audit_records_total",
        COUNTER,
        "",
        "Records of the audit log: written, or lost since the disk did not take them.",
        emitter="collector",
        labels={"outcome": 2},
    ),
)
