"""A folder of files that tocsin writes beside other people's: rule files of Prometheus, and what `export` makes.

A file is ours by its first line (a board: by its tags). Each is replaced as a whole and in one step, so that a reader
sees the old one or the new one.
"""

import contextlib
import json
import os
from collections.abc import Sequence

from tocsin_collector import wholefile
from tocsin_collector.provision.difference import DELETE, Found, Item, Step
from tocsin_collector.provision.fault import ProvisionError
from tocsin_collector.provision.stamp import board_stamp, digest, file_stamp, stamped, unstamped, with_first_line

_UNFINISHED = ".tocsin-new"
_LARGEST_BYTES = 16 << 20


def present(folder: str, kind: str, names: Sequence[str]) -> list[Found]:
    """What lies where files of ``names`` should: those, and everybody's of the same endings in the same folders."""
    places = {(os.path.dirname(name), os.path.splitext(name)[1]) for name in names} or {("", ".yml")}
    listed = {name for place, ending in places for name in _listed(folder, place) if name.endswith(ending)}
    listed |= {name for name in names if os.path.lexists(os.path.join(folder, name))}
    return [_found(folder, name, kind) for name in sorted(listed)]


def _listed(folder: str, place: str) -> list[str]:
    try:
        with os.scandir(os.path.join(folder, place)) as entries:
            return [os.path.join(place, entry.name) for entry in entries if entry.is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ProvisionError(f"{os.path.join(folder, place)}: cannot be listed: {error.strerror}") from None


def _found(folder: str, name: str, kind: str) -> Found:
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LARGEST_BYTES)
    except UnicodeDecodeError:
        return Found(kind, name, owned=False)
    except OSError as error:
        return Found(kind, name, owned=False, locked=f"it cannot be read: {error.strerror}")
    stamps = _board_stamps(text) if name.endswith(".json") else file_stamp(text)
    if stamps is None:
        return Found(kind, name, owned=False)
    return Found(kind, name, owned=True, stamp=stamps[0], now=stamps[1], handle=text)


def _board_stamps(text: str) -> tuple[str, str] | None:
    with contextlib.suppress(ValueError, RecursionError):
        board = json.loads(text)
        if isinstance(board, dict) and (stamp := board_stamp(board)) is not None:
            return stamp, digest(unstamped(board))
    return None


def text_of(item: Item) -> str:
    """The file's text, stamped."""
    if isinstance(item.body, dict):
        return json.dumps(stamped(item.body), indent=1, ensure_ascii=False) + "\n"
    return with_first_line(str(item.body))


def write(folder: str, step: Step) -> None:
    """Do one step. Raises ProvisionError."""
    path = os.path.join(folder, step.key)
    try:
        if step.action == DELETE:
            os.unlink(path)
        elif step.item is not None:
            _replace(path, text_of(step.item))
    except OSError as error:
        raise ProvisionError(f"{path}: cannot be written: {error.strerror}") from None


def restore(folder: str, steps: Sequence[Step]) -> None:
    """Put back what was there before some steps."""
    for step in steps:
        path = os.path.join(folder, step.key)
        try:
            if step.found is not None:
                _replace(path, step.found.handle)
            elif os.path.lexists(path):
                os.unlink(path)
        except OSError as error:
            raise ProvisionError(f"{path}: cannot be put back as it was: {error.strerror}") from None


def _replace(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    wholefile.replace(path, text.encode(), _UNFINISHED)


def modified_s(folder: str, names: Sequence[str]) -> float:
    """When the newest of some files was written; 0 when there is none."""
    times = [0.0]
    for name in names:
        with contextlib.suppress(OSError):
            times.append(os.stat(os.path.join(folder, name)).st_mtime)
    return max(times)
