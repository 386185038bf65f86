"""Events of one id taken out of the Parquet files for good; nothing may be written there meanwhile."""

import os
from pathlib import Path

from tocsin_collector.compaction.folder import Folder
from tocsin_collector.journal import JournalError, sync_folder


def erase(folder: Folder, event_id: str, project: str = "", model: str = "") -> int:
    """Write every file anew that has rows of an id, of one project or model where they are not empty; how many rows
    went. A file takes its own place as a whole: what a kill leaves is found by the next call.

    Raises OSError, and JournalError where there are files and nothing to read them with.
    """
    if not folder.root.is_dir():
        return 0
    folder.open()
    return sum(_without(folder, path, event_id) for path in folder.files(project, model))


def check(folder: Folder) -> None:
    """Raise JournalError where there are files and nothing to read them with."""
    try:
        import pyarrow.parquet  # noqa: F401  whether it is there
    except ImportError:
        if next(folder.files(), None) is not None:
            raise JournalError(f"{folder.root}: its files may have the id too; pip install 'tocsin[parquet]'") from None


def _without(folder: Folder, path: Path, event_id: str) -> int:
    from pyarrow import compute, parquet

    from tocsin_collector.compaction.compaction import write

    with parquet.ParquetFile(path) as file:
        others = compute.not_equal(file.read(columns=["id"])["id"], event_id)
        gone = int(len(others) - compute.sum(others).as_py())
        left = file.read().filter(others) if gone else None
    if left is None:
        return 0
    if left.num_rows:
        write(left, folder.unfinished / "erased.part")
        os.replace(folder.unfinished / "erased.part", path)
    else:
        os.unlink(path)
    sync_folder(path.parent)
    return gone
