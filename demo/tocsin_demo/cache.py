"""What is dear to make and cheap to keep: one folder of arrays, replaced atomically, made by one process at a time."""

import fcntl
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[np.generic]]
_DIGEST_BYTES = 16


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
                with replacing(path) as part:
                    part.write_bytes(_packed(key, found))
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


def _packed(key: str, found: Arrays) -> bytes:
    # A zip file's members carry checksums, its directory does not: a digest of the whole goes first.
    packed = BytesIO()
    np.savez(packed, allow_pickle=False, key=np.array(key), **found)
    return _digest(packed.getbuffer()) + packed.getvalue()


def _read(path: Path, key: str) -> Arrays | None:
    try:
        raw = memoryview(path.read_bytes())
    except OSError:
        return None
    if raw[:_DIGEST_BYTES] != _digest(raw[_DIGEST_BYTES:]):
        return None
    with np.load(BytesIO(raw[_DIGEST_BYTES:])) as kept:
        found = {name: kept[name] for name in kept.files}
    return found if str(found.pop("key", "")) == key else None


def _digest(raw: memoryview) -> bytes:
    return blake2b(raw, digest_size=_DIGEST_BYTES).digest()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
