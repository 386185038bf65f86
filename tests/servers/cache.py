"""What the tests download or build once: a folder a thing, outside the checkout, filled whole or not at all."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any, NoReturn

import pytest


class Missing(Exception):  # noqa: N818  # it names a lack, which may be no error
    """This machine lacks what a server needs; the message says what, and how to get it."""


def root() -> str:
    """The folder of everything that is kept between two runs."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(cache, "tocsin")


def kept(name: str, fill: Callable[[str], None]) -> str:
    """The folder ``name`` of the cache, filled by ``fill(folder)`` when it is not there.

    Test processes that run side by side wait for the first; a fill that fails half-way leaves nothing.
    """
    folder = os.path.join(root(), name)
    if os.path.isdir(folder):
        return folder
    os.makedirs(root(), exist_ok=True)
    with open(os.path.join(root(), f".{name}.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            unfinished = folder + ".unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            os.makedirs(unfinished)
            fill(unfinished)
            os.rename(unfinished, folder)
    return folder


def run(command: list[str], folder: str, limit_s: float = 600, **environ: str) -> str:
    """A command's standard output. Raises Missing with what it said when it fails or is not on this machine."""
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **environ}, check=True, capture_output=True, text=True,
            timeout=limit_s,
        )  # fmt: skip
    except FileNotFoundError:
        raise Missing(f"{command[0]} is not on this machine") from None
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        raise Missing(f"{' '.join(command)[:200]} failed: {said[-500:]}") from None
    return done.stdout


def have(get: Callable[[], Any]) -> Any:
    """What ``get`` gives. A machine that lacks it skips the test by name; with CI=true it fails."""
    try:
        return get()
    except Missing as error:
        lacking(str(error))


def lacking(why: str) -> NoReturn:
    """Skip a test by what the machine lacks for it; with CI=true it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have it: {why}")
    pytest.skip(why)
