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
from tocsin_collector.journal.segment import segments
from tocsin_schema.block import BlockError, decode, encode


class Whose(NamedTuple):
    """An id, of one project or model where they are not empty."""

    id: str
    project: str = ""
    model: str = ""


class Forgotten(NamedTuple):
    """How many events went from the journal, and how many rows from the Parquet files."""

    events: int
    rows: int


def forget(folder: Path, whose: Whose) -> Forgotten:
    """Take every event of an id out of a journal's folder, and out of the Parquet files beside it.

    The snapshot goes too: the next start makes it anew from what is left. Raises JournalError when a collector
    has the folder; OSError.
    """
    compacted = Folder(folder.parent / PARQUET)
    check(compacted)
    journal = open_journal(folder)
    erased = 0

    def without(type: int, payload: bytes) -> tuple[int, bytes] | None:
        nonlocal erased
        found = _without(payload, whose) if type == BLOCK_RECORD else None
        if found is None:
            return None
        erased += found[1]
        return BLOCK_RECORD, found[0]

    try:
        for name in segments(folder):
            rewrite(name, without)
        if erased:
            (folder / SNAPSHOT).unlink(missing_ok=True)
        return Forgotten(erased, erase(compacted, *whose))
    finally:
        journal.close()


def _without(payload: bytes, whose: Whose) -> tuple[bytes, int] | None:
    """What is left of a block, and how many rows went; None when it has none of the id's."""
    try:
        block = decode(payload)
    except BlockError:
        return None
    if whose.project not in ("", block.project) or whose.model not in ("", block.model):
        return None
    keep = np.array([event_id != whose.id for event_id in block.columns["id"].to_list()], bool)
    if keep.all():
        return None
    left = take(block, np.flatnonzero(keep))
    left.columns = {name: used(column) for name, column in left.columns.items()}
    return encode(left), int((~keep).sum())
