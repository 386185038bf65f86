"""Bytes over the network, from /sys/class/net/*/statistics (Documentation/ABI/testing/sysfs-class-net-statistics).

Two reads of 2 us a device, and only of hardware's: /proc/net/dev would sum up each of a hundred containers' ends.
"""

from os.path import exists

from tocsin_agent.kernelfile import entries, integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.sampling.kind import Found

LOOPBACK = "lo"


def found(sysfs: object) -> "Found":
    """The devices of hardware, as in the profile `summary`; where there are none, all but the loopback."""
    folder = f"{sysfs}/class/net"
    names = [name for name in entries(folder) if exists(f"{folder}/{name}/statistics")]
    wires = [name for name in names if exists(f"{folder}/{name}/device")]
    wires = wires or [name for name in names if name != LOOPBACK]
    return {name: [f"{folder}/{name}/statistics/{way}_bytes" for way in ("rx", "tx")] for name in wires}


def counts(contents: list[bytes]) -> list[int]:
    """Bytes received and sent. Raises ValueError."""
    return [int(integer(content)) for content in contents]
