"""Whether and how often the agent looks at the host between two scrapes."""

from tocsin_schema.metric import COUNTER, GAUGE, Metric

ACTIVE = Metric(
    "tocsin_sampling_active", GAUGE, "",
    "1 while the host is looked at several times a second: under pressure, or always where sampling.hz says so.",
    emitter="agent",
)  # fmt: skip
COVERED = Metric(
    "tocsin_sampling_covered_seconds_total", COUNTER, "seconds",
    "Time between looks at the host that were close enough to tell a rate; peaks outside of it were not seen.",
    emitter="agent",
)  # fmt: skip
LOOKS = Metric(
    "tocsin_sampling_looks_total", COUNTER, "", "Looks at the host between scrapes.", emitter="agent",
)  # fmt: skip
ALARMS = Metric(
    "tocsin_sampling_alarms_total", COUNTER, "",
    "Alarms of the kernel that tasks wait, by what they wait for: each has the host looked at for ten seconds.",
    emitter="agent", labels={"resource": 3},
)  # fmt: skip
FAILURES = Metric(
    "tocsin_sampling_failures_total", COUNTER, "", "Looks at the host that failed.", emitter="agent",
)  # fmt: skip

METRICS = (ACTIVE, COVERED, LOOKS, ALARMS, FAILURES)
