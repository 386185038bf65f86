"""What the page needs to know, as plain callables and objects: the service hands them over, the tests do too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tocsin_collector.alarms import Alarms
from tocsin_collector.fleet import Fleet
from tocsin_collector.logs import Logs
from tocsin_collector.notifications import InboxView
from tocsin_collector.page.links import Links
from tocsin_collector.reports.kept import Entry
from tocsin_collector.servers import ServerView
from tocsin_collector.verdict import ModelKey, ModelView


@dataclass(frozen=True, slots=True)
class Sources:
    """``views`` gives what the models are like now; ``utc_offset_s`` says where a day of event time begins."""

    views: Callable[[], Sequence[ModelView]]
    fleet: Fleet
    alarms: Alarms
    logs: Logs
    clock: Callable[[], float]
    utc_offset_s: float = 0.0
    servers: Callable[[], Sequence[ServerView]] = tuple
    servers_fault: Callable[[], str] = str
    """Why the servers do not get from us what they should, or empty."""
    over_quota: Callable[[], Sequence[tuple[str, str, int]]] = tuple
    """Projects that sent more than their quota of events or bytes, and how many requests that cost them."""
    received: Callable[[], InboxView] = InboxView
    links: Links = field(default_factory=Links)
    reports: Callable[[ModelKey], Sequence[Entry]] = lambda _: ()
    """What the schedule made of a model version, the newest first."""
    folded: Mapping[ModelKey, int] = field(default_factory=dict)
    """Series of model versions that are not on /metrics by themselves."""
