"""One open log file: read ahead of what is acknowledged, and notice when its content is another one."""

import os
import time

from tocsin_agent.logs.lines import Line, last, split
from tocsin_agent.logs.position import Edges, Position
from tocsin_agent.logs.record import text

FINISH_S = 30.0
"""How long a line without an end waits for it; a program that writes in blocks leaves half a line for a while."""

GRAIN_S = 2.0
"""The coarsest time stamps of a file system."""


class Replaced(Exception):  # noqa: N818 (an event of the file, not a fault)
    """The bytes before the position are others now: the file was truncated or rewritten."""


class Tailed:
    """An open file. ``position`` is what is acknowledged; what is read ahead of it waits for ``acknowledge``."""

    def __init__(self, descriptor: int, path: str, position: Position, edges: Edges) -> None:
        self.position = position
        self.gone_since: float | None = None
        self.size = 0
        self._descriptor = descriptor
        self._offset = position.offset
        self._cut = position.cut
        self._edges = self._acknowledged_edges = edges
        self._seen = (-1, -1)
        self._half_since: float | None = None
        self.move(path)

    def move(self, path: str) -> None:
        """The file stands under another name now."""
        self.path = path
        self.path_text = text(path)
        self.position = self.position.moved(path=path)

    def read(self, most_bytes: int, most_lines: int, now: float) -> list[Line]:
        """The next lines; nothing when there are none yet. Raises Replaced, OSError.

        The bytes before the offset are read along and compared, in the same read: no truncation slips between.
        """
        stat = os.fstat(self._descriptor)
        self.size = stat.st_size
        if self._is_settled(stat):
            return self._finish(now)
        data = self._ahead(most_bytes)
        lines, used, self._cut = split(data, self._offset, most_lines, cut=self._cut)
        self._advance(data[:used])
        seen = (stat.st_size, stat.st_mtime_ns)
        if used:
            self._seen, self._half_since = (-1, -1), None
            return lines
        if seen != self._seen:
            self._seen, self._half_since = seen, now if data else None
        return self._finish(now)

    def _is_settled(self, stat: os.stat_result) -> bool:
        """Whether nothing has changed since nothing new was found. A time stamp of this moment does not tell: it stays
        the same for what is written within its grain."""
        return (stat.st_size, stat.st_mtime_ns) == self._seen and time.time() - stat.st_mtime > GRAIN_S

    def check(self) -> None:
        """Raises Replaced when the content is another one, without reading on."""
        if not self._is_settled(os.fstat(self._descriptor)):
            self._ahead(0)

    def _finish(self, now: float) -> list[Line]:
        """The half line at the end, once it has waited long enough."""
        if self._half_since is None or now - self._half_since < FINISH_S:
            return []
        self._half_since = None
        data = self._ahead(self.size - self._offset)
        lines = last(data, self._offset)
        self._advance(data)
        return lines

    def _ahead(self, most_bytes: int) -> bytes:
        """The bytes after the offset. Raises Replaced when those before it are not what they were."""
        head, tail = self._edges.head, self._edges.tail
        data = os.pread(self._descriptor, len(tail) + most_bytes, self._offset - len(tail))
        if not data.startswith(tail) or os.pread(self._descriptor, len(head), 0) != head:
            raise Replaced(self.path)
        return data[len(tail) :]

    def _advance(self, data: bytes) -> None:
        self._offset += len(data)
        self._edges = self._edges.then(data)

    @property
    def at_end(self) -> bool:
        """Whether all that was there at the last read has been read."""
        return self._offset >= self.size

    def unacknowledged(self) -> int:
        """Bytes that are written by now and not acknowledged."""
        return max(0, os.fstat(self._descriptor).st_size - self.position.offset)

    def acknowledge(self) -> int:
        """All that was read is kept by the collector; how many bytes that was."""
        moved = self._offset - self.position.offset
        if moved:
            self._acknowledged_edges = self._edges
            self.position = self.position.moved(offset=self._offset, cut=self._cut, edges=self._edges.crc())
        return moved

    def rewind(self) -> None:
        """What was read since the last acknowledgement will be read again."""
        self._offset, self._cut, self._edges = self.position.offset, self.position.cut, self._acknowledged_edges
        self._seen, self._half_since = (-1, -1), None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)
