"""From checked blocks to an acknowledgement: one group of waiting requests after the other.

While one group is being written, the next one gathers. Every row of a group is checked and deduplicated; what is new
goes to the journal, in its thread, with one fdatasync for all, and only then does anyone hear of it. Because the next
group is not judged before this one is durable or undone, two equal requests at the same moment need no further care:
the second one sees the marks of the first, or none.

Small groups are judged on the event loop's thread: beside it, their many short array operations and the loop take the
interpreter from each other, which costs more than it gains (docs/decisions/0081-small-requests-together.md). Large
groups would keep the loop from its other requests, and are judged in the journal's thread.

A start reads the table of ids last, when it can answer already whoever only looks: no event is judged before it is
there (``remember``).

The windows are fed (``apply``) on the event loop's thread in the journal's order. What they make of a block cannot
change that it is durable: an error there is counted and logged, and its sender is told that the block was accepted.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from tocsin_collector.export.exposition import Sample
from tocsin_collector.frame import Frame, frame
from tocsin_collector.ingest import times
from tocsin_collector.ingest.answer import Answer, Refusal, Rejection
from tocsin_collector.ingest.checks import Bounds, check_columns, check_rows
from tocsin_collector.ingest.counters import Counters
from tocsin_collector.ingest.dedupe import Dedupe, Judged
from tocsin_collector.ingest.drafts import Draft
from tocsin_collector.ingest.form import INLINE_BYTES
from tocsin_collector.ingest.holdings import Holdings
from tocsin_collector.ingest.jsonbody import Parsed
from tocsin_collector.ingest.lots import Lot, Rows, Share, lots
from tocsin_collector.ingest.redact import Redaction
from tocsin_collector.ingest.snapshot import Later, SnapshotError, Snapshots, State
from tocsin_collector.ingest.subset import take
from tocsin_collector.journal import Journal, JournalError, JournalFull
from tocsin_schema.block import Block, BlockError, decode, encode

BLOCK_RECORD = 1
"""The journal's record type of an event block; its payload is the block of the rows that were accepted."""
MAX_WAITING_BYTES = 128 << 20
_TURNS = 3
"""Turns of the event loop before a group is closed: what has come in by then, is read and parsed, and joins it. One
reads the sockets, one starts their requests, one hears what these have to say."""
Apply = Callable[[Frame, int], None]
_log = logging.getLogger(__name__)


class Memory(NamedTuple):
    """How long events are remembered to tell them from new ones, and how much memory their ids may take."""

    horizon_s: float = 90_600.0
    most_bytes: int = 1 << 30


def _nothing() -> None:
    pass


class Windows(NamedTuple):
    """What is fed, as the snapshot keeps it: a copy of its state from the journal's thread, while nothing is applied;
    its return at a start, False when it does not fit; and, from the journal's thread before anything is applied, what
    of that return only the next event needs."""

    state: Callable[[], State]
    load: Callable[[State], bool]
    own: Callable[[], None] = _nothing


class _Request(NamedTuple):
    blocks: Sequence[Block | Draft]
    rows: Sequence[Sequence[int]]
    rejected: list[Rejection]
    raw: bytes | None
    size_bytes: int
    future: asyncio.Future[Answer]


class _Record(NamedTuple):
    """What of a block is new: so many rows, and the block that they are in the journal."""

    rows: int
    payload: bytes


class _Taken(NamedTuple):
    """One lot after it was judged; ``fresh`` has the rows of all its records, one after the other."""

    type: str
    shares: list[Share]
    fresh: Frame
    records: list[_Record]


class Intake:
    """Takes blocks from HTTP or from the same process. ``apply`` gets each accepted frame and the position of its first
    block in the journal; blocks that were judged together are one frame, which tells them apart."""

    def __init__(
        self,
        journal: Journal,
        apply: Apply,
        *,
        bounds: Bounds | None = None,
        memory: Memory | None = None,
        redaction: Redaction | None = None,
        windows: Windows | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counters = Counters()
        self.holdings = Holdings()
        self.clock = clock
        self.applied = 0
        """The journal's position behind the last block that was given to ``apply``."""
        self._journal = journal
        self._apply = apply
        self._bounds = bounds or Bounds()
        self._redaction = redaction or Redaction()
        self._memory = memory or Memory()
        self._dedupe = Dedupe(*self._memory)
        self._later: Later | None = None
        self._windows = windows
        self._waiting: list[_Request] = []
        self._waiting_bytes = 0
        self._worker: asyncio.Task[None] | None = None
        self._snapshots = Snapshots(journal.folder)
        self._saving: asyncio.Task[None] | None = None

    def recover(self) -> None:
        """Bring back what was acknowledged, before the first request: ids, counters and windows, from the snapshot and
        what the journal has behind it; the windows from all of the journal where those of the snapshot do not fit. Ids
        that nothing has asked for yet are left to ``remember``."""
        ids_hold, windows_hold = self._load()
        for position, size, block in self._blocks(since=min(ids_hold, windows_hold)):
            whole = frame(block)
            if position >= ids_hold:
                self._remember()
                self.holdings.add(block.project, position, size)
                self.counters.applied(_accepted(whole, self._dedupe.replay(block, whole)))
            if position >= windows_hold:
                self._give(whole, position)
        self.applied = self._journal.end

    async def remember(self) -> None:
        """Bring back the ids, where nothing has asked for them yet; else the first event does."""
        if self._later is not None:
            await self._journal.run(self._remember)

    def _remember(self) -> None:
        if self._later is None:
            return
        try:
            self._dedupe.load_ids(self._later())
        except SnapshotError as error:
            path = self._snapshots.path
            _log.warning("snapshot_unusable file=%s reason=%s; the ids are read from the whole journal", path, error)
            self._dedupe = self._replayed_ids(self._snapshots.position)
            self._snapshots.lost()
        if self._windows is not None:
            self._windows.own()
        self._later = None

    def _replayed_ids(self, until: int) -> Dedupe:
        found = Dedupe(*self._memory)
        for _, _, block in self._blocks(until=until):
            found.replay(block, frame(block))
        return found

    def journalled(self, until: int | None = None) -> Iterator[tuple[Frame, int]]:
        """Every block that was accepted before a position (default: the end), oldest first, with its position."""
        for position, _, block in self._blocks(until=until):
            yield frame(block), position

    def _blocks(self, since: int = 0, until: int | None = None) -> Iterator[tuple[int, int, Block]]:
        """Position, size in bytes and content."""
        for position, type, payload in self._journal.replay(since, until):
            if type != BLOCK_RECORD:
                continue
            try:
                yield position, len(payload), decode(payload)
            except BlockError as error:
                _log.error("journal_record_unreadable position=%d reason=%s", position, error)

    def _load(self) -> tuple[int, int]:
        """Load the snapshot, if it is this journal's; the positions up to which it has the ids, and the windows."""
        found = self._snapshots.load()
        if found is None:
            return 0, 0
        state, later = found
        same = state["ids"]["span_us"] == self._dedupe.horizon.span_us
        if not same or not self._journal.has(state["segment"], state["position"]):
            _log.warning("snapshot_of_another_journal file=%s; the whole journal is replayed", self._snapshots.path)
            return 0, 0
        self._dedupe.load(state["ids"])
        self._later = later
        self.counters.load(state["counters"])
        self.holdings.load(state["holdings"])
        self._snapshots.holds(state)
        return self._snapshots.position, self._load_windows(state)

    def _load_windows(self, state: State) -> int:
        if self._windows is None:
            return 0
        if state["windows"] is not None and self._windows.load(state["windows"]):
            return self._snapshots.position
        _log.warning(
            "snapshot_of_other_windows file=%s; references, settings or version are others now, the windows are "
            "counted from the whole journal",
            self._snapshots.path,
        )
        return 0

    async def submit(
        self,
        blocks: Sequence[Block | Draft],
        rows: Sequence[Sequence[int]] | None = None,
        rejected: Iterable[Rejection] = (),
        raw: bytes | None = None,
        *,
        size_bytes: int = 0,
    ) -> Answer:
        """Check, deduplicate and store blocks; returns when they are durable.

        ``rows`` has the numbers of each block's rows in the request, where they are not simply counted through;
        ``rejected`` what was refused before; ``raw`` are the bytes of the block where there is but one. Raises
        Refusal: 400 for columns that cannot be right, 503 when the journal is full or too much waits. Safe to cancel:
        what was handed in is then stored or not, as if the connection broke.
        """
        return await self.enter(Parsed(blocks, rows or _counted(blocks), list(rejected), raw), size_bytes)

    def enter(self, parsed: Parsed, size_bytes: int) -> asyncio.Future[Answer]:
        """Hand in what is read; the answer comes when it is durable, and raises as ``submit`` does. So does this."""
        blocks = parsed.blocks
        for block in blocks:
            if isinstance(block, Block):  # a draft has what its events were checked for
                check_columns(block)
        if self._waiting_bytes + size_bytes > MAX_WAITING_BYTES:
            raise Refusal(503, "busy", f"more than {MAX_WAITING_BYTES} bytes wait for the disk; send it again")
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(*parsed, size_bytes, future))
        self._waiting_bytes += size_bytes
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="tocsin-intake")
        return future

    @property
    def kept(self) -> int:
        """The position before which nothing needs the journal as long as the snapshot can be used."""
        return self._snapshots.position

    async def close(self) -> None:
        """Wait until nothing waits any more, and keep what is known for the next start. The journal stays open."""
        if self._worker is not None:
            await self._worker
        if self._saving is not None:
            await self._saving
        if self._journal.end > self._snapshots.position:
            await self._save(*await self._journal.run(self._state))

    def samples(self) -> Iterable[Sample]:
        """Everything of /metrics that the way in knows."""
        journal = self._journal
        yield from self.counters.samples()
        yield Sample("tocsin_ingest_dedupe_bytes", {}, self._dedupe.size_bytes)
        yield Sample("tocsin_ingest_horizon_seconds", {}, self._dedupe.horizon.shortest_s)
        yield Sample("tocsin_ingest_replay_bytes", {}, journal.end - self._snapshots.position)
        yield Sample("tocsin_ingest_snapshot_errors_total", {}, self._snapshots.failed_total)
        yield Sample("tocsin_journal_bytes_total", {}, journal.bytes_total)
        yield Sample("tocsin_journal_syncs_total", {}, journal.syncs_total)
        yield Sample("tocsin_journal_sync_seconds_total", {}, journal.sync_seconds_total)
        yield Sample("tocsin_journal_stopped", {}, int(journal.stopped))
        yield Sample("tocsin_journal_damaged_bytes", {}, sum(damage.size_bytes for damage in journal.damage))

    async def _work(self) -> None:
        try:
            while self._waiting:
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
                group, self._waiting = self._waiting, []
                await self._settle(group)
                self._waiting_bytes -= sum(request.size_bytes for request in group)
                is_idle = self._saving is None or self._saving.done()
                if is_idle and self._snapshots.is_due(self._journal.end, self.clock()):
                    await self._journal.run(self._journal.roll)
                    self._saving = asyncio.create_task(self._save(*await self._journal.run(self._state)))
        finally:
            self._worker = None

    async def _save(self, state: State, ids: State) -> None:
        await asyncio.to_thread(self._snapshots.save, state, ids)

    def _state(self) -> tuple[State, State]:
        """Everything up to the journal's end, the table of ids by itself; between two groups, when all that is durable
        is also counted."""
        self._remember()
        state = {
            "position": self._journal.end,
            "segment": self._journal.newest,
            "counters": self.counters.state(),
            "holdings": self.holdings.state(),
            "ids": self._dedupe.state(),
            "windows": self._windows and self._windows.state(),
        }
        return state, self._dedupe.ids()

    async def _settle(self, group: list[_Request]) -> None:
        """Judge and write a group, feed the windows, answer everyone."""
        try:
            await self.remember()
            is_small = sum(request.size_bytes for request in group) <= INLINE_BYTES
            taken = self._judge(group) if is_small else await self._journal.run(lambda: self._judge(group))
            positions, end = await self._journal.run(lambda: self._commit(taken))
        except JournalError as error:
            _log.error("journal_failed reason=%s", error)
            _refuse(group, _no_room() if isinstance(error, JournalFull) else _failed())
            return
        except Exception:
            # One request has something that no check foresaw. Alone, each gets what it deserves.
            for request in group if len(group) > 1 else []:
                await self._settle([request])
            if len(group) == 1:
                _log.exception("request_failed blocks=%s", group[0].blocks)
                _refuse(
                    group, Refusal(422, "unprocessable", "the collector could not work with this; its log says why")
                )
            return
        for item in taken:
            self.counters.duplicate[item.type] += sum(share.duplicate for share in item.shares)
        written = iter(positions)
        for item in taken:
            self.counters.applied(item.fresh)
            places = list(islice(written, len(item.records)))
            for record, position in zip(item.records, places, strict=True):
                self.holdings.add(item.fresh.key.project, position, len(record.payload))
            if places:
                self._give(item.fresh, places[0])
        shares: list[list[Share]] = [[] for _ in group]
        for share in (share for item in taken for share in item.shares):
            shares[share.request].append(share)
        for request, own in zip(group, shares, strict=True):
            if not request.future.done():
                request.future.set_result(self._answer(request, own, end))
        self.applied = end

    def _judge(self, group: list[_Request]) -> list[_Taken]:
        """What becomes of each lot of a group."""
        try:
            now_us = int(self.clock() * 1e6)
            return [item for lot in lots(group) for item in self._take(lot, now_us)]
        except BaseException:
            self._dedupe.undo()
            raise

    def _commit(self, taken: list[_Taken]) -> tuple[list[int], int]:
        """In the journal's thread: all of a group becomes durable, or none of it; the positions of its records, and the
        journal's end."""
        records = [(BLOCK_RECORD, record.payload) for item in taken for record in item.records]
        try:
            positions = self._journal.commit(records) if records else []
        except BaseException:
            self._dedupe.undo()
            raise
        self._dedupe.keep()
        return positions, self._journal.end

    def _take(self, lot: Lot, now_us: int) -> Iterator[_Taken]:
        blocks = [self._redaction.block(block) for block in lot.blocks]
        whole, good = frame(*blocks), np.arange(sum(block.rows for block in blocks))
        faults = check_rows(blocks[0], whole, now_us, self._bounds)
        if len(blocks) > 1 and (faults or any(map(self._dedupe.knows, blocks))):
            for one in lot.alone():
                yield from self._take(one, now_us)
            return
        refused = [(fault.row, fault.code, fault.reason) for fault in faults]
        if faults:
            good = np.delete(good, [fault.row for fault in faults])
            blocks, whole = [take(blocks[0], good)], whole.take(good)
        judged = self._dedupe.judge(blocks, whole)
        refused += _refused(whole, judged, good)
        shares = lot.shares(good[judged.accepted], refused)
        fresh, records = _accepted(whole, judged), list(_records(lot, blocks, judged))
        if len(records) > 1:
            fresh.blocks = [record.rows for record in records]
        yield _Taken(whole.type, shares, fresh, records)

    def _give(self, fresh: Frame, position: int) -> None:
        try:
            self._apply(fresh, position)
        except Exception:
            self.counters.apply_errors += len(fresh.blocks) or 1
            _log.exception("apply_failed position=%d model=%s rows=%d", position, "/".join(fresh.key), fresh.rows)

    def _answer(self, request: _Request, shares: list[Share], end: int) -> Answer:
        accepted, duplicate, rejected = 0, 0, request.rejected
        for share in shares:
            accepted += share.accepted
            duplicate += share.duplicate
            rejected += share.rejected
        if rejected:
            self.counters.rejected.update(rejection.code for rejection in rejected)
        return Answer(accepted, duplicate, rejected, str(end))


def _accepted(whole: Frame, judged: Judged) -> Frame:
    return whole if judged.accepted.size == whole.rows else whole.take(judged.accepted)


def _records(lot: Lot, blocks: Sequence[Block], judged: Judged) -> Iterator[_Record]:
    """What goes to the journal of each block that has anything new: the block as it came, where all of it is new and
    nothing was taken from it."""
    start = 0
    for block, came, raw, own in zip(blocks, lot.blocks, lot.raws, judged.by_block(blocks), strict=True):
        if own.size and own.size == block.rows:
            yield _Record(own.size, raw if raw is not None and block is came else encode(block))
        elif own.size:
            yield _Record(own.size, encode(take(block, own - start)))
        start += block.rows


def _refused(whole: Frame, judged: Judged, good: Rows) -> Iterator[tuple[int, str, str]]:
    for row in judged.conflicts.tolist():
        reason = f"id {whole.ids[row]!a:.80}: known with other values; a new event has a new id"
        yield int(good[row]), "conflict", reason
    for row in judged.forgotten.tolist():
        since, own = times.text(judged.remembered_us), times.text(int(whole.time_us[row]))
        reason = f"time: {own}: events of this stream before {since} are forgotten, so nobody knows if it was counted"
        yield int(good[row]), "past_horizon", reason


def _counted(blocks: Sequence[Block | Draft]) -> list[range]:
    """Row numbers where a request is nothing but its blocks, one after the other."""
    rows: list[range] = []
    at = 0
    for block in blocks:
        rows.append(range(at, at + block.rows))
        at += block.rows
    return rows


def _refuse(group: list[_Request], refusal: Refusal) -> None:
    for request in group:
        if not request.future.done():
            request.future.set_exception(refusal)


def _no_room() -> Refusal:
    return Refusal(503, "journal_full", "there is no room on the collector's disk; nothing was stored, send it again")


def _failed() -> Refusal:
    return Refusal(503, "journal_failed", "the collector's disk failed; nothing was stored, send it again")
