"""The host's name and kernel, from uname(2) and /proc/sys/kernel/domainname (sysctl kernel.rst). A read costs 10 us.

The NIS domain is not among what Python's ``os.uname`` gives; ``(none)`` is the kernel's word for no domain.
"""

import os

from tocsin_agent.exposition import family
from tocsin_agent.kernelfile import KernelFile
from tocsin_schema.metrics.uname import METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values


def parse(data: bytes) -> str:
    """The domain's name. Raises ValueError for more than one line."""
    name = data.removesuffix(b"\n")
    if b"\n" in name:
        raise ValueError(f"one line expected, found {data[:80]!r}")
    return name.decode("utf-8", "replace")


class Uname:
    """``node_uname_info``. Read at each scrape: a host may be renamed."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._host = str(values["host"])
        self._domain = KernelFile(f"{values['procfs']}/sys/kernel/domainname", single=True)
        self._known: tuple[os.uname_result, bytes] | None = None
        self._text = b""

    def read(self) -> bytes:
        """One system call and one read of the file."""
        found, domain = os.uname(), self._domain.read()
        if (found, domain) == self._known:
            return self._text
        labels = {
            "sysname": found.sysname,
            "release": found.release,
            "version": found.version,
            "machine": found.machine,
            "nodename": self._host or found.nodename,
            "domainname": parse(domain),
        }
        self._text = family(METRICS[0], [(labels, 1)])
        self._known = found, domain
        return self._text

    def close(self) -> None:
        """Let go of the file."""
        self._domain.close()


SOURCE = Uname
