"""Events of one id taken out of a journal for good; the collector must not run meanwhile."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from tocsin_collector.compaction.erase import check, erase
from tocsin_collector.compaction.folder import PARQUET, Folder
from tocsin_collector.ingest.intake import BLOCK_RECORD
from tocsin_collector.ingest.snapshot import FILE as SNAPSHOT
from tocsin_collector.ingest.subset import take, used
from tocsin_collector.journal import open_journal
from tocsin_collector.journal.erase import rewrite
from tocsin_collector.journal.reading import items
from tocsin_collector.journal.records import Gap
from tocsin_collector.journal.segment import segments
from tocsin_schema.block import Block, BlockError, decode, encode


class Whose(NamedTuple):
    """An id, of one project or model where they are not empty."""

    id: str
    project: str = ""
    model: str = ""


class Forgotten(NamedTuple):
    """How many events went from the journal, and how many rows from the Parquet files; and how many stretches of the
    journal nobody can read, which are still there and may have more of them."""

    events: int
    rows: int
    unreadable: int


def forget(folder: Path, whose: Whose) -> Forgotten:
    """Take every event of an id out of a journal's folder, and out of the Parquet files beside it.

    The snapshot goes first: the next start makes it anew from what is left. Raises JournalError when a collector
    has the folder; OSError.
    """
    compacted = Folder(folder.parent / PARQUET)
    check(compacted)
    journal = open_journal(folder)
    erased = unreadable = 0

    def without(type: int, payload: bytes) -> tuple[int, bytes] | None:
        nonlocal erased, unreadable
        if type != BLOCK_RECORD:
            return None
        try:
            found = _without(decode(payload), whose)
        except BlockError:
            unreadable += 1
            return None
        if found is None:
            return None
        if not erased:  # before anything changes: killed in between, a second call finds nothing to erase
            (folder / SNAPSHOT).unlink(missing_ok=True)
        erased += found[1]
        return BLOCK_RECORD, found[0]

    try:
        for name in segments(folder):
            rewrite(name, without)
            unreadable += sum(isinstance(item, Gap) for item in items(name))
        return Forgotten(erased, erase(compacted, *whose), unreadable)
    finally:
        journal.close()


def _without(block: Block, whose: Whose) -> tuple[bytes, int] | None:
    """What is left of a block, and how many rows went; None when it has none of the id's."""
    if whose.project not in ("", block.project) or whose.model not in ("", block.model):
        return None
    keep = np.array([event_id != whose.id for event_id in block.columns["id"].to_list()], bool)
    if keep.all():
        return None
    left = take(block, np.flatnonzero(keep))
    left.columns = {name: used(column) for name, column in left.columns.items()}
    return encode(left), int((~keep).sum())
