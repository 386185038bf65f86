"""What disks do, from /sys/block/*/stat (Documentation/block/stat.rst): one read of 2 us a disk.

Devices that stand upon others (dm-, md) are left out: what they do their disks do.
"""

from os.path import exists

from tocsin_agent.kernelfile import entries
from tocsin_agent.sources.diskstats import STACKED, ignored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.sampling.kind import Found

FIELDS = 11
"""That every kernel has; later ones added to them."""
READ, WRITTEN, BUSY = 2, 6, 9
"""Sectors, sectors, and milliseconds in which the disk had something to do."""


def found(sysfs: object) -> "Found":
    """The disks that /proc/diskstats would show too, under the same names."""
    folder = f"{sysfs}/block"
    names = [name for name in entries(folder) if not name.startswith(STACKED)]
    disks = {name.replace("!", "/"): [f"{folder}/{name}/stat"] for name in names}
    return {name: paths for name, paths in disks.items() if not ignored(name) and exists(paths[0])}


def counts(contents: list[bytes]) -> list[int]:
    """Sectors read and written, milliseconds busy. Raises ValueError."""
    fields = contents[0].split()
    if len(fields) < FIELDS or not b"".join(fields).isdigit():
        raise ValueError(f"at least {FIELDS} counts expected, found {contents[0][:80]!r}")
    return [int(fields[READ]), int(fields[WRITTEN]), int(fields[BUSY])]
