"""What is dear to make and cheap to keep: one folder of arrays, replaced atomically, made by one process at a time."""

import fcntl
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]


def folder() -> Path:
    """``$XDG_CACHE_HOME/tocsin/demo``, or ``~/.cache/tocsin/demo``."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "tocsin" / "demo"


def arrays(path: Path, key: str, build: Callable[[], Arrays]) -> Arrays:
    """The arrays kept at ``path`` under ``key``; built and written when absent, of another key or damaged."""
    found = _read(path, key)
    if found is not None:
        return found
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            found = _read(path, key)  # another process may have built it while this one waited
            if found is None:
                found = build()
                with replacing(path) as part, part.open("wb") as file:
                    np.savez(file, allow_pickle=False, key=np.array(key), **found)
    except OSError as error:
        print(f"tocsin_demo_cache_not_written path={path} error={error}", file=sys.stderr)
        found = build() if found is None else found
    return found


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside ``path`` that takes its place when the block ends well, and goes when it does not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _read(path: Path, key: str) -> Arrays | None:
    # Every member carries a CRC-32, so that a flipped bit shows as BadZipFile.
    try:
        with path.open("rb") as file, np.load(file) as kept:
            found = {name: kept[name] for name in kept.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
    return found if str(found.pop("key", "")) == key else None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
