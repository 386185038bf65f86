"""How much of what a project may hold it holds; only of quotas that are set."""

from collections.abc import Iterator, Mapping
from itertools import islice

from tocsin_collector.doors.counts import MAX_PROJECTS
from tocsin_collector.doors.quota import DISK, SERIES, Quotas
from tocsin_collector.export.exposition import Sample


def samples(quotas: Quotas, held_bytes: Mapping[str, int], series: Mapping[str, int]) -> Iterator[Sample]:
    """The share of each quota, by project; from 1 on there is no room."""
    for project in islice(held_bytes.keys() | series.keys(), MAX_PROJECTS):
        quota = quotas.of(project)
        for kind, used, most in (
            (DISK, held_bytes.get(project, 0), quota.disk),
            (SERIES, series.get(project, 0), quota.series),
        ):
            if most:
                yield Sample("tocsin_quota_used_ratio", {"project": project, "quota": kind}, used / most)
