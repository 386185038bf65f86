"""A journal's folder as blocks again, read without taking it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tocsin_collector.ingest.intake import BLOCK_RECORD
from tocsin_collector.ingest.subset import take
from tocsin_collector.journal.reading import is_damage, read
from tocsin_collector.journal.records import Record
from tocsin_schema.block import Block, BlockError, decode

_log = logging.getLogger(__name__)


class Stored(NamedTuple):
    """A block with the position behind it, and the bytes that it lies there as."""

    end: int
    block: Block
    payload: bytes


class Which(NamedTuple):
    """Of one project or model where they are not empty, with event times of ``[start_us, end_us)`` where given."""

    project: str = ""
    model: str = ""
    start_us: int | None = None
    end_us: int | None = None

    def of(self, block: Block) -> Block | None:
        """The rows of a block that are meant: the block itself when all are, None when none is."""
        if self.project not in ("", block.project) or self.model not in ("", block.model):
            return None
        time_us = np.frombuffer(block.columns["time"].data, "<i8")
        wanted = np.ones(block.rows, bool)
        if self.start_us is not None:
            wanted &= time_us >= self.start_us
        if self.end_us is not None:
            wanted &= time_us < self.end_us
        if wanted.all():
            return block if block.rows else None
        return take(block, np.flatnonzero(wanted)) if wanted.any() else None


def stored(folder: Path, since: int = 0, until: int | None = None) -> Iterator[Stored]:
    """Every block that can be read from one position to before another, oldest first; what cannot is told in the log.
    Raises JournalError."""
    for found in read(folder, since, until):
        if is_damage(found):
            size = found.item.end - found.item.start
            _log.error("journal_damaged file=%s offset=%d bytes=%d", found.segment.path, found.item.start, size)
        if not isinstance(found.item, Record) or found.item.type != BLOCK_RECORD:
            continue
        try:
            yield Stored(found.segment.base + found.item.end, decode(found.item.payload), found.item.payload)
        except BlockError as error:
            _log.error("journal_record_unreadable position=%d reason=%s", found.position, error)


def owner(type: int, payload: bytes) -> str:
    """The project that a record is of, from its header alone; empty for what is no block."""
    if type != BLOCK_RECORD:
        return ""
    try:
        return str(json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")]).get("project", "default"))
    except (ValueError, RecursionError, AttributeError):
        return ""
