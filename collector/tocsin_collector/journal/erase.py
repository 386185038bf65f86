"""Some records of a segment changed for good: the segment is written anew beside itself and takes its own place.

Every record keeps its position, so that nothing else has to know: what became shorter is filled up with zeros.
"""

import os
from collections.abc import Callable

from tocsin_collector.journal.reading import JournalError, contents
from tocsin_collector.journal.records import Record, pack, scan
from tocsin_collector.journal.segment import SEALED, Name, sync_folder

Change = Callable[[int, bytes], bytes | None]


def rewrite(name: Name, change: Change) -> int:
    """Give each record's type and payload to ``change`` and put what it returns in their place; None leaves it.

    Returns how many were changed. Raises JournalError, and changes nothing, when one would become longer; OSError.
    """
    data = bytearray(contents(name))
    changed = 0
    for found in scan(bytes(data), name.marker):
        payload = change(found.type, found.payload) if isinstance(found, Record) else None
        if payload is None or not isinstance(found, Record):
            continue
        if len(payload) > len(found.payload):
            raise JournalError(
                f"{name.path}: the record at {name.base + found.start} has no room for what is left of it"
            )
        filled = payload.ljust(len(found.payload), b"\0")
        data[found.start : found.end] = b"".join(pack(name.marker, found.type, filled))
        changed += 1
    if changed:
        _replace(name, bytes(data))
    return changed


def _replace(name: Name, data: bytes) -> None:
    unfinished = name.path.with_suffix(".part")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), SEALED)
        os.fsync(file.fileno())
    os.replace(unfinished, name.path)
    sync_folder(name.path.parent)
