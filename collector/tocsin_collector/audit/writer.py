"""The audit log of a running collector: records of requests that end at the same time share one write."""

import asyncio
import logging
from collections.abc import Iterator

from tocsin_collector.audit.chain import Entry, Head
from tocsin_collector.audit.folder import AuditError, Folder
from tocsin_collector.export.exposition import Sample

_log = logging.getLogger(__name__)


class Writer:
    """For the event loop's thread. A log that cannot be written holds nothing up: it is told once, and counted.
    Where the log ended is remembered: one that was taken away whole cannot say so.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._fault = ""
        self._head = Head()
        self._records = self._lost = 0

    async def note(self, entry: Entry) -> None:
        """Record an entry; it is on disk when this returns, or counted as lost."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._task is None:
            self._task = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            entries = [entry for entry, _ in batch]
            try:
                head = await asyncio.to_thread(self._folder.append, entries)
            except (OSError, AuditError) as error:
                self._lost += len(entries)
                self._tell(f"audit_not_written file={self._folder.path} reason={error}")
            else:
                if head.records < self._head.records + len(entries):
                    _log.error("audit_taken_away file=%s records=%d hash=%s", self._folder.path, *self._head)
                if not self._records or self._fault or head.records < self._head.records:
                    _log.warning("audit_head records=%d hash=%s", *head)
                self._head = head
                self._records += len(entries)
                self._fault = ""
            for _, written in batch:
                if not written.cancelled():
                    written.set_result(None)
        self._task = None

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            _log.error(fault)
        self._fault = fault

    def samples(self) -> Iterator[Sample]:
        """How many records were written and lost."""
        yield Sample("tocsin_audit_records_total", {"outcome": "written"}, self._records)
        yield Sample("tocsin_audit_records_total", {"outcome": "lost"}, self._lost)
