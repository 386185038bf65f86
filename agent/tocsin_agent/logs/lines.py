"""Bytes of a file into lines. Pure: no file, no clock.

A line longer than MAX_LINE is cut there and the rest of it discarded; a *cut* position lies inside such a line. Zero
bytes at the start of a line are the hole that copytruncate leaves under a writer that does not append; they belong to
no line.
"""

from tocsin_schema.logrecord import MAX_MESSAGE

MAX_LINE = MAX_MESSAGE


class Line:
    """One line without its end, and the offset of its first byte; ``cut`` when it was too long."""

    __slots__ = ("cut", "data", "offset")

    def __init__(self, offset: int, data: bytes, *, cut: bool = False) -> None:
        self.offset = offset
        self.data = data
        self.cut = cut


def split(data: bytes, offset: int, most: int, *, cut: bool) -> tuple[list[Line], int, bool]:
    """The whole lines of ``data``, at most ``most``; how many bytes they took; whether the end is cut.

    ``offset`` is that of the first byte, ``cut`` whether it lies inside a line that was cut. Blank lines take bytes
    and give no line. What is left over is the beginning of a line whose end has not been written.
    """
    used = 0
    if cut:
        end = data.find(b"\n")
        if end < 0:
            return [], len(data), True
        used = end + 1
    *ended, rest = data[used:].split(b"\n", most)
    lines: list[Line] = []
    for piece in ended:
        _take(lines, piece, offset + used)
        used += len(piece) + 1
    if len(ended) == most:
        return lines, used, False
    hole = len(rest) - len(rest.lstrip(b"\0"))
    used += hole
    if len(rest) - hole <= MAX_LINE:
        return lines, used, False
    _take(lines, rest[hole:], offset + used)
    return lines, len(data), True


def last(data: bytes, offset: int) -> list[Line]:
    """The unfinished line of a file that will not be finished."""
    lines: list[Line] = []
    _take(lines, data, offset)
    return lines


def _take(lines: list[Line], piece: bytes, offset: int) -> None:
    text = piece.lstrip(b"\0")
    if text and not text.isspace():
        offset += len(piece) - len(text)
        text = text.removesuffix(b"\r")
        lines.append(Line(offset, text[:MAX_LINE], cut=len(text) > MAX_LINE))
