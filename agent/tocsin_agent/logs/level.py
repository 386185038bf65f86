"""The level of a line, guessed from literals in its head.

Upper case anywhere (``ERROR``, ``[WARNING]``, ``INFO:``), lower case only where it is plainly meant (``level=error``,
``[error]``): prose says "no error" as well.
"""

NAMES = {
    b"trace": b"debug", b"debug": b"debug", b"info": b"info", b"notice": b"info", b"warn": b"warning",
    b"warning": b"warning", b"err": b"error", b"error": b"error", b"crit": b"critical", b"critical": b"critical",
    b"fatal": b"critical", b"panic": b"critical", b"alert": b"critical", b"emerg": b"critical",
}  # fmt: skip
"""The level of the record by what programs write, in lower case."""

HEAD = 160
UPPER = tuple(
    (name.upper(), NAMES[name])
    for name in (b"info", b"error", b"warning", b"warn", b"debug", b"critical", b"fatal", b"notice", b"trace")
)
WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
MARKS = (b"level=", b"lvl=", b"severity=", b"[", b"<")


def guess(line: bytes) -> bytes | None:
    """The level that stands first in the head of the line, None when none does."""
    head = line[:HEAD]
    first, found = HEAD, None
    for name, level in UPPER:
        if name in head:
            at = _word(head, name)
            if 0 <= at < first:
                first, found = at, level
    return found or _marked(head)


def _word(head: bytes, name: bytes) -> int:
    """Where the name stands as a word of its own, else -1."""
    at = head.find(name)
    while at >= 0 and WORD.intersection(head[at - 1 : at] + head[at + len(name) : at + len(name) + 1]):
        at = head.find(name, at + 1)
    return at


def _marked(head: bytes) -> bytes | None:
    for mark in MARKS:
        _, found, rest = head.partition(mark)
        word = rest[:9].lstrip(b'"').lower() if found else b""
        end = next((at for at in range(len(word)) if not word[at : at + 1].isalpha()), len(word))
        if word[:end] in NAMES:
            return NAMES[word[:end]]
    return None
