"""Files by glob pattern, from one listing a folder (the module glob brings re and fnmatch: 1 MiB).

``*``, ``?`` and ``[a-z]`` within a name, ``**`` for any folders. As in a shell, a name that begins with a dot is
matched only by a pattern that does. Compressed files are no log files: what is in them has been read before.
"""

import os

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".zip", ".Z")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def find(pattern: str) -> "Iterator[os.DirEntry[str]]":
    """The entries that match, in the order of their names; folders that cannot be read have none."""
    parts = [part for part in os.path.abspath(pattern).split("/") if part]
    for entry in _walk("/", parts):
        if not entry.name.endswith(COMPRESSED):
            yield entry


def _walk(folder: str, parts: list[str]) -> "Iterator[os.DirEntry[str]]":
    head, *rest = parts
    if rest and head != "**" and not _magic(head):
        yield from _walk(os.path.join(folder, head), rest)
        return
    for entry in entries(folder):
        if head == "**":
            if entry.name[0] != "." and entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, parts)
        elif matches(entry.name, head):
            if rest:
                yield from _walk(entry.path, rest)
            else:
                yield entry
    if head == "**":
        yield from _walk(folder, rest or ["*"])


def entries(folder: str) -> "list[os.DirEntry[str]]":
    """What a folder holds, by name; nothing when it cannot be read."""
    try:
        with os.scandir(folder) as listing:
            return sorted(listing, key=lambda entry: entry.name)
    except OSError:
        return []


def _magic(part: str) -> bool:
    return any(character in part for character in "*?[")


def matches(name: str, pattern: str) -> bool:
    """Whether one file name matches one part of a pattern."""
    if name.startswith(".") and not pattern.startswith("."):
        return False
    at, star, retry = 0, -1, 0
    place = 0
    while place < len(name):
        step = _one(name[place], pattern, at)
        if at < len(pattern) and pattern[at] == "*":
            star, retry = at, place
            at += 1
        elif step:
            at, place = at + step, place + 1
        elif star >= 0:
            retry += 1
            at, place = star + 1, retry
        else:
            return False
    return not pattern[at:].strip("*")


def _one(character: str, pattern: str, at: int) -> int:
    """How long the pattern's element at ``at`` is if it matches the character, else 0."""
    if at >= len(pattern):
        return 0
    end = pattern.find("]", at + (3 if pattern[at + 1 : at + 2] == "!" else 2))
    if pattern[at] == "[" and end > 0:
        return end + 1 - at if _in_set(character, pattern[at + 1 : end]) else 0
    return int(pattern[at] in ("?", character))


def _in_set(character: str, inside: str) -> bool:
    negated = inside.startswith("!")
    inside = inside[1:] if negated else inside
    at, found = 0, False
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            found |= inside[at] <= character <= inside[at + 2]
            at += 3
        else:
            found |= inside[at] == character
            at += 1
    return found != negated
