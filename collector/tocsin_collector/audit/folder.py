"""The audit log on disk: files named by their first record and the hash before it, and ``mark`` with where it ends.

Processes append under a lock (the collector, and `tocsin keys` beside it): records first, durably, then the mark. After
a crash between the two the log is ahead of its mark, never behind; the next append follows what is there and cuts a
torn line. So a log that is behind its mark was cut by somebody. Who can write all files can write another history;
that is found only against a hash that was noted elsewhere, which is why the collector tells it in its own log. Old
files are dropped once a record says so.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tocsin_collector.audit.chain import FIRST, BrokenError, Entry, Head, follow, line
from tocsin_collector.journal.segment import sync_folder

MAX_FILE_BYTES = 16 << 20
MAX_FILES = 16
DROPPED = "drop the records before"


class AuditError(Exception):
    """The log is not what was written; the message says where."""


class Mark(NamedTuple):
    """Where the log ends: its head, and the first record and size of its last file."""

    head: Head = Head()
    first: int = 0
    size: int = 0


class Folder:
    """The log of one collector. Raises OSError where the disk does."""

    def __init__(self, path: str, clock: Callable[[], float], max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self.path = path
        self._clock = clock
        self._max_file_bytes = max_file_bytes

    def append(self, entries: Sequence[Entry]) -> Head:
        """Record entries, durably. Raises AuditError when what is there cannot be followed."""
        self._make()
        with _locked(self.path) as descriptor:
            head = _recovered(self.path, self._mark(descriptor))
            names = self._with_room(head)
            old, kept = names[:-MAX_FILES], names[-MAX_FILES:]
            dropping = [Entry("the collector", "", DROPPED, str(_start(kept[0]).records), "done")] if old else []
            head = self._write(kept[-1], head, [*dropping, *entries])
            size = os.path.getsize(os.path.join(self.path, kept[-1]))
            _note(descriptor, Mark(head, _start(kept[-1]).records, size))
            for name in old:
                os.unlink(os.path.join(self.path, name))
        return head

    def _mark(self, descriptor: int) -> Mark:
        """The mark, which is there before the first record: records without one are a fault."""
        if not os.fstat(descriptor).st_size and not _files(self.path):
            _note(descriptor, Mark())
        return _read(descriptor)

    def _make(self) -> None:
        if not os.path.isdir(self.path):
            os.makedirs(self.path, 0o700, exist_ok=True)
            adopt(self.path, os.path.dirname(self.path))
            sync_folder(Path(self.path).parent)

    def _with_room(self, head: Head) -> list[str]:
        """The files; the last of them has room."""
        names = _files(self.path)
        if names and os.path.getsize(os.path.join(self.path, names[-1])) < self._max_file_bytes:
            return names
        names.append(f"audit-{head.records:020}-{head.hash}.log")
        new = os.path.join(self.path, names[-1])
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600))
        adopt(new, self.path)
        sync_folder(Path(self.path))
        return names

    def _write(self, name: str, head: Head, entries: Sequence[Entry]) -> Head:
        time = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        lines = []
        for entry in entries:
            text, head = line(head, entry, time)
            lines.append(text)
        with open(os.path.join(self.path, name), "ab") as file:
            file.write(b"".join(lines))
            file.flush()
            os.fdatasync(file.fileno())
        return head


def verify(path: str) -> Head:
    """Follow the whole log. Raises AuditError with the file and line where it is not what was written."""
    if not os.path.isdir(path) or not os.listdir(path):
        return Head()
    with _locked(path) as descriptor:
        mark, names = _read(descriptor), _files(path)
        head = _start(names[0]) if names else Head()
        begins, dropped = head.records, 0
        for name in names:
            if _start(name) != head:
                raise AuditError(f"{path}: {name} does not follow the file before it: one is missing, or was cut")
            for where, after, said in _lines(os.path.join(path, name), head, torn_may_end=name == names[-1]):
                head = after
                if head.records == mark.head.records and head.hash != mark.head.hash:
                    raise AuditError(f"{where}: this record was replaced")
                if said["did"] == DROPPED:
                    dropped = int(said["what"])
    if head.records < mark.head.records:
        raise AuditError(f"{path}: it ends after {head.records} records of {mark.head.records}: its end was cut off")
    if begins > dropped:
        raise AuditError(f"{path}: it begins with record {begins}, and none says that those before it were dropped")
    return head


def _lines(path: str, head: Head, *, torn_may_end: bool, offset: int = 0) -> Iterator[tuple[str, Head, dict[str, str]]]:
    """Each line of a file: where it is, the head after it, what it says. Raises AuditError."""
    with open(path, "rb") as file:
        file.seek(offset)
        for number, text in enumerate(file, 1):
            where = f"{path}:{number}" + (f" after byte {offset}" if offset else "")
            if not text.endswith(b"\n"):
                if torn_may_end:
                    return  # by a crash; it was never acknowledged
                raise AuditError(f"{where}: its end was cut off")
            try:
                head, said = follow(head, text)
            except BrokenError as error:
                raise AuditError(f"{where}: {error}") from None
            yield where, head, said


def _recovered(path: str, mark: Mark) -> Head:
    """The head of what is there, which a crash may have left ahead of the mark. Raises AuditError."""
    names = _files(path)
    if not names:
        return mark.head
    last, start = os.path.join(path, names[-1]), _start(names[-1])
    same = start.records == mark.first
    head, offset = (mark.head, mark.size) if same and mark.size else (start, 0)
    if not same and start != mark.head and mark.head.hash != FIRST:
        raise AuditError(f"{last}: it does not follow record {mark.head.records - 1}")
    if os.path.getsize(last) < offset:
        raise AuditError(f"{last}: its end was cut off")
    end = offset
    with open(last, "rb") as file:
        file.seek(offset)
        whole = file.read().rpartition(b"\n")
        end += len(whole[0]) + len(whole[1])
    for _, after, _ in _lines(last, head, torn_may_end=True, offset=offset):
        head = after
    if end < os.path.getsize(last):
        os.truncate(last, end)
    return head


def _files(path: str) -> list[str]:
    return sorted(name for name in os.listdir(path) if name.startswith("audit-") and name.endswith(".log"))


def _start(name: str) -> Head:
    """The head before a file's first record. Raises AuditError."""
    try:
        _, records, found = name.removesuffix(".log").split("-")
        return Head(int(records), found)
    except ValueError:
        raise AuditError(f"{name}: no file of the audit log has such a name") from None


@contextlib.contextmanager
def _locked(path: str) -> Iterator[int]:
    """The descriptor of the mark, while no other process appends."""
    descriptor = os.open(os.path.join(path, "mark"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        adopt(descriptor, path)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Mark:
    text = os.pread(descriptor, 1_024, 0).decode("ascii", "replace").split()
    try:
        records, found, first, size = text
        return Mark(Head(int(records), found), int(first), int(size))
    except ValueError:
        raise AuditError("the mark of the audit log is gone: it was removed, cut or overwritten") from None


def _note(descriptor: int, mark: Mark) -> None:
    """Always of one length, so that a write never leaves some of the one before it."""
    os.pwrite(descriptor, f"{mark.head.records:020} {mark.head.hash} {mark.first:020} {mark.size:020}\n".encode(), 0)
    os.fdatasync(descriptor)


def adopt(file: str | int, folder: str | int) -> None:
    """Give a file to the owner of its folder, when root makes it for a collector that runs as another user."""
    if os.geteuid() == 0:
        owner = os.stat(folder)
        os.chown(file, owner.st_uid, owner.st_gid)
