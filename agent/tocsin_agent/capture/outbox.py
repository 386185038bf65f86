"""Encoded blocks on their way to the endpoint: bounded in bytes, sent at least once under one producer and sequence.

A block keeps its number until it is acknowledged or refused, so the collector can tell a repetition. When the bound is
reached the oldest block goes, because the newest tells what the model does now: to disk where TOCSIN_SPILL_DIR names a
folder, else its rows are counted as lost. What was spilled is sent when nothing waits in memory.
"""

import os
import threading
from collections import deque
from time import monotonic

from tocsin_agent.capture.post import Again, Poster, Refused
from tocsin_schema.block import MEDIA_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tocsin_agent.capture.counts import Counts
    from tocsin_agent.capture.spill import Spill

    Waiting: TypeAlias = tuple[bytes, int, str]
    """a block's bytes and rows, and its file where it was spilled"""

MAX_PENDING_BYTES = 32 << 20
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 15.0
LOOK_S = 10.0
"""How often an idle process looks for what dead ones have left."""


class Outbox:
    """The blocks that wait, and the thread that sends them. ``tell(event, **fields)`` writes a line of the log."""

    def __init__(self, endpoint: str, counts: "Counts", tell: "Callable[..., None]") -> None:
        self.producer = os.urandom(16).hex()
        self._sequence = 0
        self._counts = counts
        self._tell = tell
        self._poster = Poster(endpoint)
        self._pending: deque[Waiting] = deque()
        self._bytes = 0
        self._hurry = self._stopped = False
        self._sending: Waiting | None = None
        self._spill = _spill(self.producer)
        self._left = self._spill is not None  # whether the disk may have blocks to send
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def number(self) -> int:
        """The sequence of the next block; called by one thread."""
        self._sequence += 1
        return self._sequence

    def put(self, body: bytes, rows: int) -> None:
        """Queue a block; the oldest go when there are too many bytes."""
        with self._changed:
            self._pending.append((body, rows, ""))
            self._bytes += len(body)
            while self._bytes > MAX_PENDING_BYTES and len(self._pending) > 1:
                self._drop("pending")
            self._changed.notify_all()

    def start(self) -> None:
        """Start the thread; when none can be had, as at the end of the interpreter, ``drain`` sends."""
        with self._changed:
            if self._thread is not None or self._sending is not None:
                return
            thread = threading.Thread(target=self._run, name="tocsin-capture-send", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._counts.add("errors")
            else:
                self._thread = thread

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything is settled, without back-off. False when the time is over before."""
        deadline = monotonic() + timeout_s
        self._send_here(deadline)
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            done = self._changed.wait_for(self._is_empty, max(0.0, deadline - monotonic()))
            self._hurry = False
        return done

    def _send_here(self, deadline: float) -> None:
        """Without a thread, whoever waits sends; a block that is not taken goes back, and that is the end."""
        settled = True
        while settled and monotonic() < deadline:
            with self._changed:
                if self._thread is not None or self._is_empty() or self._sending is not None:
                    return
                waiting = self._take()
            if waiting is None:
                return
            settled, _ = self._try(*waiting)
            with self._changed:
                if not settled:
                    self._put_back(waiting)
                self._settle()

    def stop(self, timeout_s: float) -> None:
        """End the thread; what still waits is dropped and counted."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        with self._changed:
            if self._sending is not None:  # by an endpoint that does not answer: whether it has the block is not known
                self._abort(self._sending)
            while self._pending:
                self._drop("closed")
            if self._spill is not None:
                self._spill.close()

    def abandon(self) -> None:
        """Close the copy of the connection that a forked child holds; the parent keeps its own."""
        self._poster.abandon()
        if self._spill is not None:
            self._spill.close()

    def _is_empty(self) -> bool:
        return not self._pending and self._sending is None and not self._left

    def _drop(self, reason: str) -> None:
        body, rows, _ = self._pending.popleft()
        self._bytes -= len(body)
        self._give_up(body, rows, reason)

    def _give_up(self, body: bytes, rows: int, reason: str) -> None:
        """A block that memory keeps no longer: to disk, or lost and counted."""
        if self._spill is not None and self._spill.put(body, rows):
            self._left = True
            self._counts.add("blocks_sent", "spilled")
            return
        self._counts.add("rows_dropped", reason, rows)
        self._tell("capture_block_dropped", reason=reason, rows=rows)

    def _abort(self, waiting: "Waiting") -> None:
        """The end comes before an answer to this block."""
        self._sending = None
        if not waiting[2]:  # a spilled one is on disk still
            self._give_up(waiting[0], waiting[1], "closed")

    def _put_back(self, waiting: "Waiting") -> None:
        if not waiting[2]:  # a spilled one is on disk still
            self._pending.appendleft(waiting)
            self._bytes += len(waiting[0])

    def _run(self) -> None:
        while (waiting := self._take()) is not None:
            settled, wait_s = False, FIRST_WAIT_S
            while not settled and not self._stopped:
                settled, asked_s = self._try(*waiting)
                if not settled:
                    self._rest(_spread(max(wait_s, asked_s)))
                    wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            with self._changed:
                if not settled and self._sending is not None:
                    self._abort(waiting)
            self._settle()
        self._poster.close()

    def _take(self) -> "Waiting | None":
        with self._changed:
            while not self._stopped:
                if self._pending:
                    self._sending = self._pending.popleft()
                    self._bytes -= len(self._sending[0])
                    return self._sending
                if (spilled := self._spilled()) is not None:
                    self._sending = spilled
                    return spilled
                if not self._changed.wait_for(lambda: self._pending or self._stopped, LOOK_S if self._spill else None):
                    self._left = True
            return None

    def _spilled(self) -> "Waiting | None":
        if self._spill is None or not self._left:
            return None
        found = self._spill.oldest()
        self._left = found is not None
        self._changed.notify_all()
        return None if found is None else (found[1], found[2], found[0])

    def _settle(self) -> None:
        with self._changed:
            self._sending = None
            self._changed.notify_all()

    def _rest(self, wait_s: float) -> None:
        """Back off; somebody who waits for the end (flush, close) shortens it to the first step."""
        with self._changed:
            if self._hurry:
                self._changed.wait_for(lambda: self._stopped, FIRST_WAIT_S)
            else:
                self._changed.wait_for(lambda: self._hurry or self._stopped, wait_s)

    def _try(self, body: bytes, rows: int, path: str) -> tuple[bool, float]:
        """Whether the block is settled, and else how many seconds the endpoint asked for."""
        try:
            answer = self._poster.post(body, MEDIA_TYPE)
        except Refused as refusal:
            self._counts.add("blocks_sent", "refused")
            self._counts.add("rows_dropped", "refused", rows)
            self._tell("capture_block_refused", rows=rows, reason=str(refusal))
        except Again as again:
            self._counts.add("blocks_sent", "retried")
            self._tell("capture_endpoint_unavailable", reason=str(again))
            return False, again.after_s
        except Exception as error:  # an interpreter without ssl, for one: the thread must go on
            self._counts.add("errors")
            self._tell("capture_send_failed", error=f"{type(error).__name__}: {error}")
            return False, LONGEST_WAIT_S
        else:
            self._counts.add("blocks_sent", "ok")
            self._read(answer)
        if path and self._spill is not None:
            with self._changed:
                self._spill.settled(path, len(body))
        return True, 0.0

    def _read(self, answer: bytes) -> None:
        """Count the rows of a taken block that the endpoint has rejected."""
        import json

        try:
            told = json.loads(answer)
            rejected = told["rejected"]
            if rejected:
                count = told.get("rejected_count", len(rejected))  # of many only the first are listed
                self._counts.add("rows_dropped", "rejected", count)
                self._tell("capture_rows_rejected", rows=count, first=rejected[0])
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # an answer in another form is still an acknowledgement


def _spill(producer: str) -> "Spill | None":
    directory = os.environ.get("TOCSIN_SPILL_DIR", "")
    if not directory:
        return None
    from tocsin_agent.capture.spill import Spill

    return Spill(directory, producer)


def _spread(wait_s: float) -> float:
    """The wait and up to half as much again: processes that lost an endpoint together do not return together."""
    return wait_s * (1 + os.urandom(1)[0] / 510)
