"""Recorded and invented hosts, a text file each, planted as folders of /proc and /sys.

    sys/class/thermal/thermal_zone0/temp = 49925      a file of one line
    sys/class/hwmon/hwmon0 -> ../../devices/x         a symbolic link
    sys/class/nvme/                                   an empty folder
    proc/net/sockstat                                 a file of the lines that follow, each after "| "
    | sockets: used 229

A backslash begins an escape of Python's bytes (``\\xff``, ``\\t``, ``\\n``), in names too; ``#`` begins a comment.
"""

import os
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "trees"


def names() -> list[str]:
    """Every tree: ``SOURCE`` or ``SOURCE.CASE``."""
    return sorted(path.name.removesuffix(".tree") for path in FOLDER.glob("*.tree"))


def plant(root: Path, text: str) -> None:
    """Write a tree's files into a folder."""
    for name, kind, content in entries(text):
        path = os.path.join(os.fsencode(root), name)
        os.makedirs(path if kind == "/" else os.path.dirname(path), exist_ok=True)
        if kind == "->":
            os.symlink(content, path)
        elif kind == "=":
            Path(os.fsdecode(path)).write_bytes(content)


def entries(text: str) -> Iterator[tuple[bytes, str, bytes]]:
    """Path, kind (``/``, ``->`` or ``=``) and content of each entry."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for index, line in enumerate(lines):
        if line.startswith("|"):
            continue
        name, arrow, target = line.partition(" -> ")
        if arrow:
            yield raw(name), "->", raw(target)
            continue
        name, equals, value = line.partition(" =")
        if equals:
            yield raw(name), "=", raw(value.removeprefix(" ")) + b"\n"
        elif name.endswith("/"):
            yield raw(name), "/", b""
        else:
            yield raw(name), "=", b"".join(_following(lines, index + 1))


def _following(lines: list[str], start: int) -> Iterator[bytes]:
    for line in lines[start:]:
        if not line.startswith("|"):
            return
        yield raw(line[2:]) + b"\n"


def raw(text: str) -> bytes:
    """The bytes that a text with escapes stands for."""
    return text.encode().decode("unicode_escape").encode("latin-1") if "\\" in text else text.encode()
