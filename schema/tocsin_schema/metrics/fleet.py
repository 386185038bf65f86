"""How the collector's scrapes of its agents go."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

METRICS = (
    Metric(
        "tocsin_fleet_agents",
        GAUGE,
        "",
        "Agents that the collector scrapes, by whether the last scrape came back.",
        emitter="collector",
        labels={"state": 2},
    ),
    Metric(
        "tocsin_fleet_scrapes_total",
        COUNTER,
        "",
        "Scrapes of agents, by how they ended; failed counts rounds that ended by an error of the collector.",
        emitter="collector",
        labels={"outcome": 7},
    ),
    Metric("tocsin_fleet_series", GAUGE, "", "Series held in the rings of the fleet.", emitter="collector"),
    Metric(
        "tocsin_fleet_samples_dropped_total",
        COUNTER,
        "",
        "Samples of scrapes that found no room in an agent's ring.",
        emitter="collector",
    ),
    Metric(
        "tocsin_fleet_round_timestamp_seconds",
        GAUGE,
        "seconds",
        "When the last round of scrapes ended, seconds since the Unix epoch.",
        emitter="collector",
    ),
)
