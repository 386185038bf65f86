"""What is counted at the doors, under the names of the catalogue."""

from collections import Counter
from collections.abc import Iterator

from tocsin_collector.export.exposition import Sample
from tocsin_schema.metric import OVERFLOW

MAX_PROJECTS = 1_000
"""Projects with a series of their own; all others share ``_other``."""
DENIED = ("unauthorized", "scope", "project", "origin", "rate_limited", "busy")
ENDED = ("certificate", "no_room", "evicted", "slow_head", "slow_body", "slow_reader", "head_too_large")
MAX_SHOWN = 20
"""Projects on the page."""


class Counts:
    """Plain counters; only the event loop's thread adds to them."""

    def __init__(self) -> None:
        self.denied = Counter(dict.fromkeys(DENIED, 0))
        self.ended = Counter(dict.fromkeys(ENDED, 0))
        self.quotas: Counter[tuple[str, str]] = Counter()

    def over_quota(self, project: str, quota: str) -> None:
        """A request was refused since its project is over a quota."""
        if (project, quota) not in self.quotas and len(self.quotas) >= MAX_PROJECTS:
            project = OVERFLOW
        self.quotas[project, quota] += 1

    def most_over_quota(self) -> list[tuple[str, str, int]]:
        """Project, quota and refused requests, those with the most first; from any thread."""
        found = sorted(dict(self.quotas).items(), key=lambda entry: -entry[1])  # a copy: the loop goes on counting
        return [(project, quota, count) for (project, quota), count in found[:MAX_SHOWN]]

    def samples(self) -> Iterator[Sample]:
        """Every counter as it stands now."""
        for code, count in self.denied.items():
            yield Sample("tocsin_requests_denied_total", {"code": code}, count)
        for reason, count in self.ended.items():
            yield Sample("tocsin_connections_ended_total", {"reason": reason}, count)
        for (project, quota), count in list(self.quotas.items()):
            yield Sample("tocsin_requests_over_quota_total", {"project": project, "quota": quota}, count)
