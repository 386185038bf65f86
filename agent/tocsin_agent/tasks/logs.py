"""Log files to the collector; runs when ``logs.files`` and ``collector`` are configured."""

import os

from tocsin_agent.exposition import family
from tocsin_agent.task import Task
from tocsin_schema.metrics.agent_logs import BYTES, ERRORS, FILES, LAG, LAST_SUCCESS, LINES, METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.logs.shipper import Shipper
    from tocsin_agent.source import Values

__all__ = ["METRICS", "check", "start"]


class LogsTask(Task):
    """The shipper as the frame sees it."""

    def __init__(self, shipper: "Shipper") -> None:
        self._shipper = shipper

    def read(self) -> bytes:
        """Counters and the lag, as the shipper's thread left them."""
        shipper = self._shipper
        last = shipper.last_success
        return b"".join((
            family(LINES, [({}, shipper.lines)]),
            family(BYTES, [({}, shipper.bytes)]),
            family(ERRORS, [({"reason": reason}, count) for reason, count in sorted(dict(shipper.errors).items())]),
            family(FILES, [({}, len(shipper.files.open))]),
            family(LAG, [({}, shipper.lag)]),
            family(LAST_SUCCESS, [({}, last)] if last is not None else []),
        ))  # fmt: skip

    def stop(self) -> None:
        """End the thread; what was not acknowledged is read again at the next start."""
        self._shipper.stop()


def check(values: "Values") -> list[str]:
    """Whether there is somewhere to send the files' lines to."""
    if values["logs.files"] and not values["collector"]:
        return ['logs.files: a collector is needed to send the lines to: set collector = "http://host:port"']
    return []


def start(values: "Values") -> LogsTask | None:
    """The running shipper, None without files."""
    patterns = values["logs.files"]
    if not patterns or not isinstance(patterns, list):
        return None
    # Imported here: only who tails files pays for json.
    from tocsin_agent.logs.record import Records
    from tocsin_agent.logs.shipper import Shipper
    from tocsin_agent.relay.credentials import credentials
    from tocsin_agent.relay.upstream import Address, Upstream

    host = str(values["host"]) or os.uname().nodename
    records = Records(
        host=host,
        dataset=str(values["logs.dataset"]),
        namespace=str(values["logs.namespace"]),
        service=str(values["logs.service"]),
    )
    upstream = Upstream(Address(str(values["collector"])), credentials(values))
    shipper = Shipper(patterns, state_dir(str(values["state_dir"])), records, host, upstream)
    shipper.start()
    return LogsTask(shipper)


def state_dir(configured: str) -> str:
    """Where positions are kept."""
    state_home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return configured or os.path.join(state_home, "tocsin-agent")
