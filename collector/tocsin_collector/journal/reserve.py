"""Room put aside for the moment when the disk is full: then it is given up, and a marker that says so takes its place.

Without it a full disk could not even be told to the next start. The marker goes with the first commit that works again,
for which the room must be put aside first: what was given up is not there to be filled with events.
"""

import contextlib
import json
import os
import time
from pathlib import Path

from tocsin_collector.journal.segment import sync_folder

RESERVE_BYTES = 1 << 20


class Reserve:
    """``stopped`` is whether the journal takes nothing for want of room; it outlives the process."""

    def __init__(self, folder: Path) -> None:
        self._room, self._marker = folder / "reserve", folder / "stopped"
        self.stopped = self._marker.exists()
        if not self.stopped:
            with contextlib.suppress(OSError):  # a disk that is full already takes no events, and says so then
                self.put_aside()

    def put_aside(self) -> None:
        """Have the room again. Raises OSError when there is not so much."""
        descriptor = os.open(self._room, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        finally:
            os.close(descriptor)

    def give_up(self, position: int, reason: str) -> None:
        """The disk is full: mark it. Best effort, as everything is on a full disk."""
        with contextlib.suppress(OSError):
            self._room.unlink(missing_ok=True)
            if not self.stopped:
                self._mark({"since": _now(), "position": position, "reason": reason})
        self.stopped = True

    def resume(self) -> None:
        """There is room again."""
        self.stopped = False
        with contextlib.suppress(OSError):
            self._marker.unlink(missing_ok=True)

    def _mark(self, marker: dict[str, object]) -> None:
        with self._marker.open("w") as file:
            file.write(json.dumps(marker) + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self._marker.parent)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
