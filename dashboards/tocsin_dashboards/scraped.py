"""What Prometheus itself writes for each target that it scrapes; boards use it beside the catalogue.

https://prometheus.io/docs/concepts/jobs_instances/
"""

from tocsin_schema.metric import GAUGE, HISTOGRAM, Metric

UP = Metric("up", GAUGE, "", "1 while the target's last scrape came back, else 0.", emitter="prometheus")
DURATION = Metric(
    "scrape_duration_seconds", GAUGE, "seconds", "How long the last scrape of the target took.", emitter="prometheus"
)

OWN = {metric.name: metric for metric in (UP, DURATION)}
TARGET = ("job", "instance")
"""The labels that Prometheus adds to every series."""
_PARTS = ("_bucket", "_sum", "_count")


def entry(name: str, known: dict[str, Metric]) -> Metric | None:
    """The catalogue's entry of a series' name; a histogram's by any of its three parts."""
    if name in known:
        return known[name]
    if name in OWN:
        return OWN[name]
    for part in _PARTS:
        family = known.get(name.removesuffix(part)) if name.endswith(part) else None
        if family is not None and family.type == HISTOGRAM:
            return family
    return None


def labels(name: str, known: dict[str, Metric]) -> set[str]:
    """The labels that the series of a name may have, Prometheus' own included. Nothing for an unknown name."""
    found = entry(name, known)
    if found is None:
        return set()
    return {*TARGET, *found.labels, *(("le",) if name.endswith("_bucket") else ())}
