"""Work in a short-lived child process: what it imports and allocates goes with it, and it cannot hang us for long."""

import marshal
import os
from select import POLLIN, poll
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

WITHIN_S = 10.0
SIGKILL = 9


class ChildError(Exception):
    """The child has died, or was not done in time; the message says which."""


def in_child(work: "Callable[[], Any]", within_s: float = WITHIN_S) -> "Any":
    """What ``work()`` gives in a fork of this process; numbers, texts, bytes, lists and dicts of them.

    Raises ChildError. In a process of many threads a fork may deadlock: then this is one that was not done in time.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if not child:
        _tell(writer, work)
    os.close(writer)
    try:
        data = _all(reader, monotonic() + within_s)
        if data is None:
            os.kill(child, SIGKILL)
            _ended.append(child)  # perhaps not yet: the kernel may keep it waiting for a disk
            raise ChildError(f"not done within {within_s:g} s")
        if not data:
            raise ChildError("the process that does this has failed")
        return marshal.loads(data)  # noqa: S302 (our own child wrote it)
    finally:
        os.close(reader)
        if child not in _ended:
            os.waitpid(child, 0)
        _ended[:] = [pid for pid in _ended if os.waitpid(pid, os.WNOHANG) == (0, 0)]


_ended: list[int] = []
"""Children that were killed and have not gone yet."""


def _all(reader: int, until: float) -> bytes | None:
    """What the child writes until it ends; None when that takes too long."""
    parts: list[bytes] = []
    ready = poll()
    ready.register(reader, POLLIN)
    while ready.poll(max(until - monotonic(), 0) * 1000):
        part = os.read(reader, 65_536)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def _tell(writer: int, work: "Callable[[], Any]") -> None:
    """The end of the child: no clean-up of what belongs to its parent."""
    try:
        data = marshal.dumps(work())
        while data:
            data = data[os.write(writer, data) :]
    finally:
        os._exit(0)
