"""One sealed segment after the other becomes Parquet files, in the upkeep's thread."""

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tocsin_collector.compaction.arrays import Types, fitting, gathered, table, types
from tocsin_collector.compaction.folder import PARQUET, Folder, Part
from tocsin_collector.export.exposition import Sample
from tocsin_collector.ingest.stored import stored
from tocsin_collector.journal.reading import is_sealed
from tocsin_collector.journal.segment import Name, segments
from tocsin_schema.block import Block
from tocsin_schema.config import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa

_HOUR_US = 3_600_000_000
_LARGE = 100
"""Rows from which on a block is a table of its own, and how many smaller ones are put together."""
_MANY = 1_000
_DICTIONARY_BYTES = 16 << 10
"""Columns of few values are kept as codes; beyond so many bytes of values their codes only come on top."""
_log = logging.getLogger(__name__)


class Compaction:
    """Of one journal's folder. ``until`` is the position before which every segment is done; files are kept for
    ``keep_s`` from then on, 0 is for ever."""

    def __init__(
        self, journal: Path, folder: Folder, keep_s: float = 0.0, clock: Callable[[], float] = time.time
    ) -> None:
        self.until = 0
        self._keep_s = keep_s
        self._clock = clock
        self._journal = journal
        self._folder = folder
        self._rows = self._bytes = self._waiting_bytes = self._failed = 0
        self._seconds = 0.0

    def look(self) -> Iterator[None]:
        """Compact what is sealed and not done, oldest first; it may be left after each segment.

        A segment that fails is told and counted, the others go on, and the next look tries it again.
        """
        names = segments(self._journal)
        waiting = [name for name in names if is_sealed(name) and not self._folder.has(name.path.stem)]
        failed = list[Name]()
        ends = dict(pairwise(name.base for name in names))
        for number, name in enumerate(waiting):
            self._waiting_bytes = sum(map(_size, [*failed, *waiting[number:]]))
            try:
                self._compact(name, ends.get(name.base))
            except Exception:
                self._failed += 1
                failed.append(name)
                _log.exception("compaction_failed file=%s", name.path)
            yield
        self._waiting_bytes = sum(map(_size, failed))
        self.until = min((name.base for name in failed), default=names[-1].base if names else 0)
        if self._keep_s:
            self._folder.expire(self._clock() - self._keep_s, {name.path.stem for name in names})

    def samples(self) -> Iterable[Sample]:
        """Everything of /metrics about it."""
        yield Sample("tocsin_parquet_rows_total", {}, self._rows)
        yield Sample("tocsin_parquet_bytes_total", {}, self._bytes)
        yield Sample("tocsin_parquet_seconds_total", {}, self._seconds)
        yield Sample("tocsin_parquet_waiting_bytes", {}, self._waiting_bytes)
        yield Sample("tocsin_parquet_errors_total", {}, self._failed)

    def _compact(self, name: Name, end: int | None) -> None:
        from pyarrow import concat_tables

        started = time.perf_counter()
        self._folder.open()
        made: list[tuple[Path, str]] = []
        rows_total = 0
        for part, tables in _gathered(found.block for found in stored(self._journal, name.base, end)).items():
            for number, (_, alike) in enumerate(fitting(tables, _types)):
                rows = concat_tables(alike, promote_options="default")
                path = self._folder.unfinished / f"{len(made)}.part"
                write(rows, path)
                made.append((path, f"{part.path}/{name.path.stem}{f'.{number}' if number else ''}.parquet"))
                rows_total += rows.num_rows
        size_bytes = sum(path.stat().st_size for path, _ in made)
        self._folder.put(name.path.stem, made)
        self._rows += rows_total
        self._bytes += size_bytes
        self._seconds += time.perf_counter() - started


def compaction(values: Mapping[str, Any], journal: Path, clock: Callable[[], float]) -> Compaction | None:
    """What the settings want; None where they want none. Raises ConfigError without the package for it."""
    if not values["parquet.enabled"]:
        return None
    if find_spec("pyarrow") is None:
        raise ConfigError(["parquet.enabled: needs a package more: pip install 'tocsin[parquet]'"])
    return Compaction(journal, Folder(Path(values["data_dir"]) / PARQUET), values["parquet.keep_s"], clock)


def write(rows: "pa.Table", path: Path) -> None:
    """A durable Parquet file of these rows, in the order of their times, for its owner and group. Raises OSError."""
    from pyarrow import parquet

    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640), "wb") as file:
        parquet.write_table(rows.sort_by("time"), file, compression="zstd", dictionary_pagesize_limit=_DICTIONARY_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _gathered(blocks: Iterable[Block]) -> "dict[Part, list[pa.Table]]":
    """The rows of blocks by the files that they are for."""
    found: dict[Part, list[pa.Table]] = defaultdict(list)
    for (project, model, type), rows in _tables(blocks):
        hours = rows["time"].cast("int64").to_numpy() // _HOUR_US
        for hour in np.unique(hours).tolist():
            part = Part(project, model, type, hour)
            found[part].append(rows if (hours == hour).all() else rows.take(np.flatnonzero(hours == hour)))
    return found


def _tables(blocks: Iterable[Block]) -> "Iterator[tuple[tuple[str, str, str], pa.Table]]":
    """Tables with their project, model and type: one of each large block, and one of many small ones."""
    small: dict[tuple[str, str, str], list[Block]] = defaultdict(list)
    for block in blocks:
        key = block.project, block.model, block.type
        if block.rows >= _LARGE:
            yield key, table(block)
            continue
        small[key].append(block)
        if len(small[key]) >= _MANY:
            yield from ((key, gathered(alike, kinds)) for kinds, alike in fitting(small.pop(key), types))
    for key, left in small.items():
        yield from ((key, gathered(alike, kinds)) for kinds, alike in fitting(left, types))


def _types(rows: "pa.Table") -> Types:
    return {field.name: str(field.type) for field in rows.schema}


def _size(name: Name) -> int:
    return name.path.stat().st_size
