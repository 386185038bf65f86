"""Which files are tailed: found by pattern, told apart by content, kept open while they are rotated away.

A file that turns up is, in this order:
1. one that stood under this inode before, and whose bytes before the position are the same: carry on there;
2. content that was known and whose place is gone (moved, or copied before a truncation): carry on there;
3. a copy of an open file, by its name (``app.log`` → ``app.log.1``, ``app-20261123.log``): the same ids, so that what
   is read twice is kept once, even while the copy is still being written;
4. something new. When it begins with a line that is known, it gets the next generation, so that equal lines of two runs
   or of two ranks are not taken for one.
"""

import os
import stat

from tocsin_agent.log import event
from tocsin_agent.logs.pattern import entries, find
from tocsin_agent.logs.position import Edges, Position, base_of, beginning, edges_at, first_line
from tocsin_agent.logs.tailed import FINISH_S, Replaced, Tailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_OPEN = 512
MAX_PAST = 1000
"""Positions kept of content that is no longer there."""
KEEP_GONE_S = 60.0
"""How long a file that was rotated away is read on: its writer may not have noticed yet."""

Inode = tuple[int, int]


class Files:
    """The open files by inode, and the positions of those that are not open, oldest first."""

    def __init__(self, patterns: list[str], host: str, errors: dict[str, int], past: "Iterable[Position]") -> None:
        self.open: dict[Inode, Tailed] = {}
        self.errors = errors
        self.changed = False
        """Whether positions should be saved though nothing was acknowledged."""
        self._patterns = patterns
        self._host = host
        self._past = list(past)
        self._searched = False

    def positions(self) -> list[Position]:
        """What the checkpoint holds."""
        return self._past[-MAX_PAST:] + [file.position for file in self.open.values()]

    def scan(self, now: float, clock: float) -> None:
        """Look for new, renamed and vanished files. ``now`` is monotonic, ``clock`` the time of day."""
        self._check()  # first, so that a copy finds its original before it is taken for something new
        found = self._find()
        for inode, file in self.open.items():
            if inode not in found:
                file.gone_since = file.gone_since or now
                continue
            file.gone_since = None
            if found[inode] != file.path:
                file.move(found[inode])
        known = {(position.device, position.inode) for position in self._past}
        for inode in sorted(found.keys() - self.open.keys(), key=lambda inode: (inode not in known, found[inode])):
            self._open(found[inode], clock)

    def _check(self) -> None:
        for inode, file in list(self.open.items()):
            try:
                file.check()
            except Replaced:
                self.replaced(inode)
            except OSError:
                continue  # told when it is read

    def replaced(self, inode: Inode) -> None:
        """The content of an open file is gone; the next scan finds out what is there now."""
        file = self.open.pop(inode)
        file.close()
        self._remember(file.position.moved(device=0, inode=0))

    def retire(self, now: float) -> None:
        """Close the files that were rotated away and have been quiet since; what was read must be acknowledged."""
        for inode, file in list(self.open.items()):
            if file.gone_since is not None and now - file.gone_since > KEEP_GONE_S and file.at_end:
                del self.open[inode]
                file.close()
                self._remember(file.position)

    def close(self) -> None:
        """Let go of every file."""
        for file in self.open.values():
            file.close()
        self.open.clear()

    def _remember(self, position: Position) -> None:
        self.changed = True
        self._past = [*self._past[1 - MAX_PAST :], position]

    def _find(self) -> dict[Inode, str]:
        """Regular files by inode. At first also those that were renamed out of the patterns while nobody looked."""
        found: dict[Inode, str] = {}
        for pattern in self._patterns:
            for entry in find(pattern):
                _add(found, entry)
        if not self._searched:
            self._searched = True
            wanted = {position.inode for position in self._past if position.inode}
            for folder in sorted({os.path.dirname(position.path) for position in self._past if position.inode}):
                for entry in entries(folder):
                    if entry.inode() in wanted:
                        _add(found, entry)
        return found

    def _open(self, path: str, clock: float) -> None:
        if len(self.open) >= MAX_OPEN:
            self.count("too_many_files")
            return
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError as error:
            if self.count("open") == 1:
                event("log_file_not_opened", path=path, reason=error.strerror)
            return
        file = None
        try:
            file = self._identify(descriptor, path, clock)
        except OSError as error:  # a damaged disk, a server that is gone: this file only
            if self.count("read") == 1:
                event("log_file_not_read", path=path, reason=error.strerror)
        finally:
            if file is None:
                os.close(descriptor)

    def _identify(self, descriptor: int, path: str, clock: float) -> Tailed | None:
        status = os.fstat(descriptor)
        inode = (status.st_dev, status.st_ino)
        if inode in self.open or not stat.S_ISREG(status.st_mode):
            return None
        here = {"device": status.st_dev, "inode": status.st_ino, "path": path}
        line = first_line(descriptor, finished=clock - status.st_mtime > FINISH_S)
        found = self._same_inode(descriptor, inode, line)
        if found is None and line is not None:
            found = self._by_content(descriptor, path, base_of(self._host, path, line))
        if found is None:
            return None
        position, edges = found
        self.changed = True
        self.open[inode] = Tailed(descriptor, path, position.moved(**here), edges)
        return self.open[inode]

    def _same_inode(self, descriptor: int, inode: Inode, line: bytes | None) -> tuple[Position, Edges] | None:
        stood = [position for position in self._past if (position.device, position.inode) == inode]
        for position in stood:
            self._past.remove(position)
            edges = edges_at(descriptor, position)
            # Where nothing is acknowledged yet, the first line alone can tell.
            known = position.offset or (line is not None and position.base == base_of(self._host, position.path, line))
            if edges is not None and known:
                return position, edges
            self._remember(position.moved(device=0, inode=0))
        return None

    def _by_content(self, descriptor: int, path: str, base: str) -> tuple[Position, Edges]:
        for position in reversed([position for position in self._past if position.base == base]):
            edges = edges_at(descriptor, position)
            if edges is not None:
                self._past.remove(position)
                return position, edges
        for file in self.open.values():
            if file.position.base == base and file.gone_since is None and _copied(file.path, path):
                edges = edges_at(descriptor, file.position)
                return (
                    (file.position, edges)
                    if edges is not None
                    else (beginning(base, file.position.generation), Edges())
                )
        generations = [position.generation for position in self.positions() if position.base == base]
        return beginning(base, max(generations, default=-1) + 1), Edges()

    def count(self, reason: str) -> int:
        """Count an error; how often it has happened."""
        self.errors[reason] = self.errors.get(reason, 0) + 1
        return self.errors[reason]


def _add(found: dict[Inode, str], entry: "os.DirEntry[str]") -> None:
    try:
        status = entry.stat()
    except OSError:
        return
    if stat.S_ISREG(status.st_mode) and status.st_size:
        found.setdefault((status.st_dev, status.st_ino), entry.path)


def _copied(source: str, target: str) -> bool:
    """Whether the name of a file is that of a copy that rotation makes of another."""
    stem, extension = os.path.splitext(source)
    rest = target.removeprefix(stem)
    return target.startswith(source) or (rest != target and rest[:1] in ("-", ".", "_") and target.endswith(extension))
