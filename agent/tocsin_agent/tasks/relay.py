"""``POST /v1/events`` on the agent, handed on to the collector; runs when ``collector`` is configured."""

from tocsin_agent.exposition import family
from tocsin_agent.relay import credentials
from tocsin_agent.relay.relay import PATH, Relay
from tocsin_agent.relay.upstream import Address
from tocsin_agent.task import Task
from tocsin_schema.metrics.relay import METRICS, REQUESTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values
    from tocsin_agent.task import Handler

__all__ = ["METRICS", "check", "start"]


class RelayTask(Task):
    """The relay as the frame sees it."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def routes(self) -> "dict[str, Handler]":
        """The one path it answers."""
        return {PATH: self._relay.handle}

    def read(self) -> bytes:
        """Answers by status code."""
        return family(REQUESTS, [({"code": code}, count) for code, count in sorted(self._relay.counts().items())])

    def stop(self) -> None:
        """Close what is open; a request on its way ends by itself."""
        self._relay.close()


def check(values: "Values") -> list[str]:
    """Whether ``collector`` is an address, and what is shown there can be read."""
    if not values["collector"]:
        return []
    try:
        Address(str(values["collector"]))
    except ValueError as error:
        return [f"collector: {error}", *credentials.check(values)]
    return credentials.check(values)


def start(values: "Values") -> RelayTask | None:
    """The running relay, None without a collector."""
    url = str(values["collector"])
    return RelayTask(Relay(Address(url), credentials.credentials(values))) if url else None
