"""A collector under ``strace``, and what its system calls say: what was on disk when an acknowledgement left.

strace stops a thread at each call's entry and return and tells one stop after the other. So when the line of a return
comes before the line of an entry, the call had returned before the other one began.

Which answer is whose is told by the texts ``event-NUMBER-NUMBER``: a request that was read has those of its events, and
a write to a segment those of the events that it holds.
"""

import re
from collections import defaultdict
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
    "trace=fdatasync,pwrite64,pwritev,pwritev2,write,writev,sendto,sendmsg,read,recvfrom,recvmsg",
]

_LINE = re.compile(r"(\d+) +(.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_SEGMENT = re.compile(r"(\w+)\(\d+<[^>]*/(\d{20})-[0-9a-f]{16}\.(?:journal|sqlite)>")
_WRITTEN = {  # offset and result; pwritev2, by which Python's os.pwritev goes, has flags behind its offset
    "pwrite64": re.compile(r", (\d+)\) += (\d+)$"),
    "pwritev": re.compile(r", (\d+)\) += (\d+)$"),
    "pwritev2": re.compile(r", (\d+), 0\) += (\d+)$"),
}
_POSITION = re.compile(r'\\"position\\":\\"(\d+)\\"')
_SOCKET = re.compile(r"(?:write|writev|sendto|sendmsg)\((\d+)<(?:TCP|socket)")
_REQUEST = re.compile(r"(?:read|recvfrom|recvmsg)\((\d+)<(?:TCP|socket)")
_EVENT = re.compile(r"event-\d+-\d+")


class Acknowledgement(NamedTuple):
    """An answer that left: the journal's position that it promised, up to where the journal was on disk when its first
    byte did, and those of its events that no synced write held."""

    position: int
    durable: int
    missing: set[str]


class _Call(NamedTuple):
    """A call's entry (``returned`` False) or its return, with the text of the whole call as far as it is known."""

    thread: str
    text: str
    returned: bool


def acknowledgements(trace: Path) -> list[Acknowledgement]:
    """Every answer with a position, in the order in which they left."""
    disk = _Disk()
    asked: defaultdict[str, set[str]] = defaultdict(set)  # by socket: the events of its request
    answering: dict[str, tuple[int, set[str]]] = {}  # by socket: what was durable, and not, when its answer began
    found = []
    for call in _calls(trace.read_text(errors="replace").splitlines()):
        disk.saw(call)
        if call.returned and (socket := _REQUEST.match(call.text)):
            asked[socket[1]].update(_EVENT.findall(call.text))
        elif not call.returned and (socket := _SOCKET.match(call.text)):
            if "HTTP/1.1 " in call.text:
                answering[socket[1]] = disk.durable, asked.pop(socket[1], set()) - disk.events
            if told := _POSITION.search(call.text):
                found.append(Acknowledgement(int(told[1]), *answering.pop(socket[1])))
    return found


class _Disk:
    """What is on disk: the journal up to ``durable``, and ``events``."""

    def __init__(self) -> None:
        self.durable = 0
        self.events: set[str] = set()
        self._written: dict[int, tuple[int, set[str]]] = {}  # by segment: the end of what writes have taken, and events
        self._syncing: dict[str, tuple[int, set[str]]] = {}  # by thread: what its running fdatasync will make durable

    def saw(self, call: "_Call") -> None:
        """A call; those that do not concern segments are passed over."""
        segment = _SEGMENT.match(call.text)
        if segment is None:
            return
        name, base = segment[1], int(segment[2])
        end, events = self._written.get(base, (base, set()))
        if name in _WRITTEN and call.returned and (done := _WRITTEN[name].search(call.text)):
            end = max(end, base + int(done[1]) + int(done[2]))
            self._written[base] = end, events | set(_EVENT.findall(call.text))
        elif name == "fdatasync" and not call.returned:
            self._syncing[call.thread] = end, events
        elif name == "fdatasync" and call.text.endswith("= 0"):
            end, events = self._syncing[call.thread]
            self.durable, self.events = max(self.durable, end), self.events | events


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
