"""/proc/stat, read once a scrape for the sources that share it: the kernel sums every interrupt of every CPU for it."""

from time import monotonic

from tocsin_agent.kernelfile import KernelFile

FRESH_S = 0.05
"""A scrape reads its sources within a few milliseconds; two scrapes this close may share the bytes."""


class ProcStat:
    """The file's content, at most 50 ms old."""

    __slots__ = ("_data", "_file", "_read_at", "users")

    def __init__(self, path: str) -> None:
        self._file = KernelFile(path, single=True)
        self._data = b""
        self._read_at = -FRESH_S
        self.users = 0

    def read(self) -> bytes:
        """The whole content. Raises OSError."""
        now = monotonic()
        if now - self._read_at > FRESH_S:
            self._data = self._file.read()
            self._read_at = now
        return self._data

    def close(self) -> None:
        """Let go of the file when the last user does."""
        self.users -= 1
        if not self.users:
            self._file.close()
            self._read_at = -FRESH_S


_shared: dict[str, ProcStat] = {}


def shared(procfs: object) -> ProcStat:
    """The one reader of ``stat`` under this procfs; each user closes it once."""
    path = f"{procfs}/stat"
    reader = _shared.setdefault(path, ProcStat(path))
    reader.users += 1
    return reader
