"""A collector under ``strace``, and what its system calls say: what was on disk when an acknowledgement left.

strace stops a thread at each call's entry and return and tells one stop after the other. So when the line of a return
comes before the line of an entry, the call had returned before the other one began.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

TRACE = [
    "strace",
    "-f",
    "-y",
    "-s",
    "4096",
    "-e",
    "trace=fdatasync,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg",
]

_LINE = re.compile(r"(\d+) +(.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_SEGMENT = re.compile(r"(\w+)\(\d+<[^>]*/(\d{20})-[0-9a-f]{16}\.journal>")
_WRITTEN = {  # offset and result; pwritev2, by which Python's os.pwritev goes, has flags behind its offset
    "pwrite64": re.compile(r", (\d+)\) += (\d+)$"),
    "pwritev": re.compile(r", (\d+)\) += (\d+)$"),
    "pwritev2": re.compile(r", (\d+), 0\) += (\d+)$"),
}
_POSITION = re.compile(r'\\"position\\":\\"(\d+)\\"')
_SOCKET = re.compile(r"(?:write|writev|sendto|sendmsg)\((\d+)<(?:TCP|socket)")


class Acknowledgement(NamedTuple):
    """An answer that left: the journal's position that it promised, and up to where the journal was on disk when its
    first byte did."""

    position: int
    durable: int


class _Call(NamedTuple):
    """A call's entry (``returned`` False) or its return, with the text of the whole call as far as it is known."""

    thread: str
    text: str
    returned: bool


def acknowledgements(trace: Path) -> list[Acknowledgement]:
    """Every answer with a position, in the order in which they left."""
    written: dict[int, int] = {}  # by segment: the end of what pwrite has taken
    syncing: dict[str, int] = {}  # by thread: the end that its running fdatasync will make durable
    answering: dict[str, int] = {}  # by socket: what was durable when its answer began
    durable = 0
    found = []
    for call in _calls(trace.read_text(errors="replace").splitlines()):
        segment = _SEGMENT.match(call.text)
        if segment is not None:
            name, base = segment[1], int(segment[2])
            if name in _WRITTEN and call.returned and (done := _WRITTEN[name].search(call.text)):
                written[base] = max(written.get(base, 0), base + int(done[1]) + int(done[2]))
            elif name == "fdatasync" and not call.returned:
                syncing[call.thread] = written.get(base, base)
            elif name == "fdatasync" and call.text.endswith("= 0"):
                durable = max(durable, syncing[call.thread])
        elif not call.returned and (socket := _SOCKET.match(call.text)):
            if "HTTP/1.1 " in call.text:
                answering[socket[1]] = durable
            if told := _POSITION.search(call.text):
                found.append(Acknowledgement(int(told[1]), answering.pop(socket[1])))
    return found


def _calls(lines: Iterable[str]) -> Iterator[_Call]:
    """Entries and returns; a line that has both is one after the other, with nothing in between."""
    begun: dict[str, str] = {}
    for line in lines:
        parsed = _LINE.match(line)
        if parsed is None:
            continue
        thread, text = parsed[1], parsed[2]
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
            yield _Call(thread, begun[thread], returned=False)
        elif _RESUMED.match(text):
            yield _Call(thread, begun.pop(thread, "") + _RESUMED.sub("", text), returned=True)
        else:
            yield _Call(thread, text, returned=False)
            yield _Call(thread, text, returned=True)
