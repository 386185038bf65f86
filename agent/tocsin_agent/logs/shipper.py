"""The loop of log shipping: scan, read a batch, deliver it, and only then move and save the positions.

There is one batch at a time, so memory is bounded by it however long the collector is away; the files are the buffer.
While a batch waits, the folders are still scanned, so that files rotated meanwhile are held open.
"""

import os
import threading
import time

from tocsin_agent.log import event
from tocsin_agent.logs.delivery import Delivery
from tocsin_agent.logs.files import Files
from tocsin_agent.logs.position import load, save
from tocsin_agent.logs.tailed import Replaced

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin_agent.logs.position import Position
    from tocsin_agent.logs.record import Records
    from tocsin_agent.logs.tailed import Tailed
    from tocsin_agent.relay.upstream import Upstream

POLL_S = 0.1
SCAN_S = 1.0
READ_BYTES = 262_144
BATCH_BYTES = 1 << 20
BATCH_LINES = 4_000


class Shipper:
    """Owns the thread. The counters are written by it and read by scrapes; ``now`` is a monotonic clock."""

    def __init__(
        self,
        patterns: list[str],
        state_dir: str,
        records: "Records",
        host: str,
        upstream: "Upstream",
        now: "Callable[[], float]" = time.monotonic,
    ) -> None:
        self.lines = 0
        self.bytes = 0
        self.lag = 0
        self.last_success: float | None = None
        self._checkpoint = os.path.join(state_dir, "log-positions.json")
        self._records = records
        self._upstream = upstream
        self._now = now
        self._stopping = threading.Event()
        self._scanned = float("-inf")
        self.errors: dict[str, int] = {}
        self.files = Files(patterns, host, self.errors, self._load())
        self._delivery = Delivery(upstream, self.files.count, self._pause)
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout_s: float = 0.9) -> None:
        """End the thread. A batch on its way is read again at the next start."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                busy = self.step()
            except Exception as error:  # a supervised loop: positions move after the answer only, so nothing is lost
                busy = False
                for file in self.files.open.values():
                    file.rewind()
                if self.files.count("internal") == 1:
                    event("log_shipping_failed", error=repr(error))
            if not busy:
                self._stopping.wait(POLL_S)
        self.files.close()
        self._upstream.close()

    def step(self) -> bool:
        """One batch; whether there was one."""
        self._scan()
        records = self._read()
        self._measure()
        if self.files.changed:
            self._save()
        if records and not self._delivery.deliver(records):
            return False
        moved = sum(file.acknowledge() for file in self.files.open.values())
        if moved:
            self._save()
            self.bytes += moved
            self._measure()
        if records:
            self.lines += len(records)
            self.last_success = time.time()
        self.files.retire(self._now())
        return bool(moved)

    def _scan(self) -> None:
        now = self._now()
        if now - self._scanned >= SCAN_S:
            self._scanned = now
            self.files.scan(now, time.time())

    def _measure(self) -> None:
        self.lag = sum(file.unacknowledged() for file in self.files.open.values())

    def _pause(self, seconds: float) -> bool:
        """Wait while the collector is away; the folders are still watched."""
        deadline = time.monotonic() + seconds
        while not self._stopping.is_set() and (left := deadline - time.monotonic()) > 0:
            self._stopping.wait(min(left, SCAN_S))
            self._scan()
            self._measure()
        return not self._stopping.is_set()

    def _read(self) -> list[bytes]:
        """A batch from all files in turn, so that a hot one does not starve the others."""
        records: list[bytes] = []
        size, progress = 0, True
        while progress:
            progress = False
            for inode, file in list(self.files.open.items()):
                if size >= BATCH_BYTES or len(records) >= BATCH_LINES:
                    return records
                found = self._read_file(inode, file, BATCH_LINES - len(records))
                size += sum(map(len, found))
                records += found
                progress = progress or bool(found)
        return records

    def _read_file(self, inode: tuple[int, int], file: "Tailed", most_lines: int) -> list[bytes]:
        try:
            lines = file.read(READ_BYTES, most_lines, self._now())
        except Replaced:
            self.files.replaced(inode)
            self._scanned = float("-inf")
            return []
        except OSError as error:
            if self.files.count("read") == 1:
                event("log_file_not_read", path=file.path, reason=error.strerror)
            return []
        for _ in (line for line in lines if line.cut):
            self.files.count("too_long")
        key = file.position.key if lines else ""
        return [self._records.render(line, key, file.path_text) for line in lines]

    def _load(self) -> "list[Position]":
        try:
            os.makedirs(os.path.dirname(self._checkpoint), 0o700, exist_ok=True)
            return load(self._checkpoint)
        except (OSError, ValueError) as error:
            self.errors["checkpoint"] = 1
            event("log_checkpoint_not_read", path=self._checkpoint, reason=error)
            return []

    def _save(self) -> None:
        self.files.changed = False
        try:
            save(self._checkpoint, self.files.positions())
        except OSError as error:
            if self.files.count("checkpoint") == 1:
                event("log_checkpoint_failed", path=self._checkpoint, reason=error.strerror)
