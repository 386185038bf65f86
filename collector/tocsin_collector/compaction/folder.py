"""The folder of the Parquet files, and what keeps it whole.

    project=shop/model=credit/type=prediction/hour=2026-11-18T11/00000000000067108864-5f0c9d1e2b3a4c5d.parquet
    _segments/00000000000067108864-5f0c9d1e2b3a4c5d.json    which files a segment became
    _unfinished/                                            what is being written

Files are named by the segment that their rows come from. All of a segment's are written aside first; then a list of
them makes it done, as a redo log does: whoever opens the folder after a kill carries out a list that is there, and
throws away files that are in none. Readers of Parquet folders pass over names that begin with an underscore.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tocsin_collector import wholefile
from tocsin_collector.journal import sync_folder

PARQUET = "parquet"
"""Its name in the data folder."""
_LONGEST = 200
"""Bytes of a name in a path: a file system takes 255."""


class Part(NamedTuple):
    """What the rows of a file have in common."""

    project: str
    model: str
    type: str
    hour: int
    """Of event time, since the epoch, UTC."""

    @property
    def path(self) -> str:
        """Where they lie, under names as Hive has them."""
        hour = time.strftime("%Y-%m-%dT%H", time.gmtime(self.hour * 3600))
        return f"project={escaped(self.project)}/model={escaped(self.model)}/type={self.type}/hour={hour}"


class Folder:
    """One writer at a time, which holds the journal's lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unfinished = root / "_unfinished"
        self._segments = root / "_segments"
        self._list = self.unfinished / "list.json"

    def open(self) -> None:
        """Make it where it is not there, and finish or throw away what a kill has left. Raises OSError."""
        self._segments.mkdir(parents=True, exist_ok=True)
        if self._list.exists():
            self._carry_out()
        shutil.rmtree(self.unfinished, ignore_errors=True)
        self.unfinished.mkdir(exist_ok=True)

    def has(self, segment: str) -> bool:
        """Whether a segment, by its file's stem, is done."""
        return self._of(segment).exists()

    def done(self) -> list[str]:
        """The segments that are done."""
        return sorted(path.stem for path in self._segments.glob("*.json"))

    def put(self, segment: str, files: Iterable[tuple[Path, str]]) -> None:
        """Give files that were written aside, and synced, the places that they are for. Raises OSError; what cannot be
        is mostly found before the list is written, which would have to be carried out."""
        placed = [(made.name, target) for made, target in files]
        for _, target in placed:
            (self.root / target).parent.mkdir(parents=True, exist_ok=True)
        wholefile.replace(str(self._list), json.dumps({"segment": segment, "files": placed}).encode(), ".part")
        sync_folder(self.unfinished)
        self._carry_out()

    def files(self, project: str = "", model: str = "") -> Iterator[Path]:
        """Every file there is, of a project or model where they are not empty."""
        names = [f"{key}={escaped(name) if name else '*'}" for key, name in (("project", project), ("model", model))]
        yield from sorted(self.root.glob("/".join([*names, "type=*", "hour=*", "*.parquet"])))

    def expire(self, before_s: float, kept: set[str]) -> int:
        """Remove files of segments that became files before a time; the bytes that they had.

        A segment that is in the journal yet, in ``kept``, stays done: it must not come again.
        """
        freed = 0
        for segment in self.done():
            entry = self._of(segment)
            if entry.stat().st_mtime < before_s:
                freed += sum(self._remove(target) for target in json.loads(entry.read_bytes())["files"])
                if segment not in kept:
                    entry.unlink()
        return freed

    def _of(self, segment: str) -> Path:
        return self._segments / f"{segment}.json"

    def _carry_out(self) -> None:
        """Do what the list says; a second time, too."""
        todo = json.loads(self._list.read_bytes())
        targets = [target for _, target in todo["files"]]
        for name, target in todo["files"]:
            if (self.unfinished / name).exists():
                os.replace(self.unfinished / name, self.root / target)
        for folder in {parent for target in targets for parent in (self.root / target).parents}:
            if folder.is_relative_to(self.root):
                sync_folder(folder)
        entry = json.dumps({"files": targets}).encode()
        wholefile.replace(str(self._of(todo["segment"])), entry, ".part")
        sync_folder(self._segments)
        self._list.unlink()

    def _remove(self, target: str) -> int:
        path = self.root / target
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:  # somebody else has taken it away
            return 0
        for parent in list(path.parents)[:4]:
            try:
                parent.rmdir()
            except OSError:
                break  # there are others in it
        return size


def escaped(name: str) -> str:
    """A project's or model's name as a part of a path; a long one is cut and ends in its digest."""
    text = _as_hive(name)
    if len(text.encode()) <= _LONGEST:
        return text
    return _as_hive(name[:20]) + "-" + hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def _as_hive(name: str) -> str:
    """Only ASCII is escaped, since Spark takes an escape for a character and not for a byte of UTF-8."""
    return "".join(char if char > "\x7f" else quote(char, safe="") for char in name)
