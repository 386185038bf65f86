"""Software RAID, from /proc/mdstat (mdstat(5), drivers/md/md.c). A read costs about 5 us an array.

A line a device, then one of its size and disks, then, while it is synchronised, one of how far that is.
"""

from tocsin_agent.exposition import family
from tocsin_agent.kernelfile import OptionalFile
from tocsin_schema.metrics.mdadm import BLOCKS, BLOCKS_SYNCED, DISKS, DISKS_REQUIRED, METRICS, STATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

STATES = ("active", "inactive", "recovering", "resync", "check")
WORKS = (("recovery", "recovering"), ("check", "check"), ("resync", "resync"))
"""The word on the line of a work that goes on, and the state that it means. (reshape counts as active, as there.)"""
WHOLE = ("raid0", "linear")
"""Kinds that have no spare and lose everything with one disk: their line does not count disks."""


class Array:
    """One device."""

    __slots__ = ("active", "blocks", "failed", "name", "required", "spare", "state", "synced")

    def __init__(self, line: str, below: list[str]) -> None:
        """``line`` is its own, ``below`` those up to the next device."""
        fields = line.split()
        size = below[0].split() if below else []
        if len(fields) < 3 or fields[1] != ":" or len(size) < 2 or size[1] != "blocks" or not size[0].isdecimal():
            raise ValueError(f"an array and its blocks expected, found {line[:80]!r} and {' '.join(size)[:80]!r}")
        self.name, self.state = fields[0], fields[2]
        self.failed, self.spare = line.count("(F)"), line.count("(S)")
        self.blocks = self.synced = int(size[0])
        self.required, self.active = _disks(fields, size)
        for progress in below[1:]:
            self._look_for_work(progress)

    def _look_for_work(self, line: str) -> None:
        for word, state in WORKS:
            if word in line:
                self.state = state
                done = line.partition("(")[2].partition("/")[0]
                self.synced = int(done) if done.isdecimal() else 0  # DELAYED and PENDING have not begun
                return


def _disks(fields: list[str], size: list[str]) -> tuple[int, int]:
    """How many disks the array needs, and how many of them it has."""
    if any(kind in fields for kind in WHOLE):
        disks = sum("[" in field for field in fields)
        return disks, disks
    if "inactive" in fields:
        return 0, 0
    for field in size:
        required, slash, active = field.strip("[]").partition("/")
        if slash and field.startswith("[") and required.isdecimal() and active.isdecimal():
            return int(required), int(active)
    raise ValueError(f"a count of disks expected, found {' '.join(size)[:80]!r}")


def parse(data: bytes) -> list[Array]:
    """The arrays. Raises ValueError for anything else."""
    blocks: list[list[str]] = []
    for line in data.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.startswith(("Personalities", "unused")):
            continue
        if line[0].isspace():
            if not blocks:
                raise ValueError(f"an array expected, found {line[:80]!r}")
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return [Array(block[0], block[1:]) for block in blocks]


def render(arrays: list[Array]) -> bytes:
    """The families of all arrays."""
    named = [({"device": array.name}, array) for array in arrays]
    states = [(labels | {"state": state}, int(array.state == state)) for labels, array in named for state in STATES]
    disks = [
        (labels | {"state": state}, getattr(array, state))
        for labels, array in named
        for state in ("active", "failed", "spare")
    ]
    return (
        family(STATE, states)
        + family(DISKS, disks)
        + family(DISKS_REQUIRED, [(labels, array.required) for labels, array in named])
        + family(BLOCKS, [(labels, array.blocks) for labels, array in named])
        + family(BLOCKS_SYNCED, [(labels, array.synced) for labels, array in named])
    )


class Mdadm:
    """``node_md_*``; nothing where there is no software RAID."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = OptionalFile(f"{values['procfs']}/mdstat")
        self._data = b""
        self._text = b""

    def read(self) -> bytes:
        """One read of the file, which is most often what it was."""
        data = self._file.read()
        if data != self._data:
            self._text = render(parse(data))
            self._data = data
        return self._text

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


SOURCE = Mdadm
