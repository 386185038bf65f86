"""What the kernel's log tells of GPUs: XIDs, SXIDs of NVSwitches, and that somebody waits for a GPU to be let go of.

Documentation/ABI/testing/dev-kmsg: a read gives one record, ``prio,seq,usec,flags;text`` and lines of details behind it
that begin with a space. What was logged before the log was opened is old and never told, so that a restart of the agent
counts nothing twice. A record costs one read; between two the thread sleeps in the kernel.

An ordinary user may not read it where kernel.dmesg_restrict is 1, as it mostly is: then XIDs come from NVML alone.
"""

import os
import threading
from errno import EPIPE, ESPIPE
from select import POLLIN, poll

from tocsin_agent.log import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Tell: TypeAlias = Callable[["Entry"], None]

XID, SXID, REMOVING, REMOVED = "xid", "sxid", "removing", "removed"
LONGEST = 16_384
"""Bytes of a read; a record has at most 8 KiB (CONSOLE_EXT_LOG_MAX), and a shorter read fails."""
AT_END_MS = 100
"""Between two reads of a file that has nothing new; the real log wakes its readers."""


class Entry:
    """One line of the driver. ``place`` is a PCI address as ``0000:3b:00``; of a switch, its number too."""

    __slots__ = ("fatal", "kind", "number", "place", "switch", "text")

    def __init__(
        self, kind: str, place: str, text: str, number: int = 0, switch: str = "", *, fatal: bool = False
    ) -> None:
        self.kind = kind
        self.place = place
        self.text = text
        self.number = number
        self.switch = switch
        self.fatal = fatal

    def __repr__(self) -> str:
        return f"<{self.kind} {self.place} {self.number}>"


def parse(data: bytes) -> list[Entry]:
    """The driver's entries in whole records; what is not the driver's, or is torn, is none."""
    found = []
    for line in data.split(b"\n"):
        prefix, semicolon, text = line.partition(b";")
        # The first test is what nearly every record of a host fails.
        if (b"NVRM: " in text or b"nvswitch" in text) and semicolon and prefix[:1].isdigit() and prefix.count(b",") > 2:
            entry = _entry(text.decode("utf-8", "replace").strip())
            if entry:
                found.append(entry)
    return found


def _entry(text: str) -> Entry | None:
    who, _, rest = text.partition(": ")
    if who == "NVRM":
        return _xid(rest, text) or _removal(rest, text)
    return _sxid(who.removeprefix("nvidia-nvswitch"), rest, text) if who.startswith("nvidia-nvswitch") else None


def _xid(rest: str, text: str) -> Entry | None:
    """``Xid (PCI:0000:3b:00 GPU-I:05): 79, pid=…`` with a MIG instance, in old drivers without ``PCI:``."""
    place, number, _ = _numbered(rest, "Xid (")
    return Entry(XID, place, text, number) if place and number else None


def _sxid(switch: str, rest: str, text: str) -> Entry | None:
    """``SXid (PCI:0000:c1:00.0): 12028, Non-fatal, Link 32 …``; lines of its details lack the second word."""
    place, number, words = _numbered(rest, "SXid (")
    fatal = words[:1] == ["Fatal"]
    if not (place and number and switch.isdecimal() and (fatal or words[:1] == ["Non-fatal"])):
        return None
    return Entry(SXID, place, text, number, switch[:4], fatal=fatal)


def _numbered(rest: str, start: str) -> tuple[str, int, list[str]]:
    """The place, the number behind it, and the words between the commas that follow."""
    where, closed, behind = rest.partition("): ")
    number, *words = behind.split(", ")
    if not (closed and where.startswith(start) and number.isascii() and number.isdecimal() and len(number) < 7):
        return "", 0, []
    return _place(where.removeprefix(start).removeprefix("PCI:").partition(" ")[0]), int(number), words


def _removal(rest: str, text: str) -> Entry | None:
    """nv_pci_remove waits, for ever, until nobody holds the device: says so first, and when it goes on."""
    for start, kind in (
        ("Attempting to remove device ", REMOVING),
        ("Continuing with GPU removal for device ", REMOVED),
    ):
        if rest.startswith(start):
            place = _place(rest.removeprefix(start).partition(" ")[0])
            return Entry(kind, place, text) if place else None
    return None


def _place(text: str) -> str:
    """A PCI address without its function, "" for what is none."""
    domain, *rest = text.partition(".")[0].lower().split(":")
    parts = [domain.zfill(4), *rest]
    right = len(parts) == 3 and all(part and set(part) <= set("0123456789abcdef") for part in parts)
    return ":".join(parts) if right and len(domain) < 9 and len(parts[1]) == len(parts[2]) == 2 else ""


def address(domain: int, bus: int, device: int) -> str:
    """A PCI address as the driver writes it."""
    return f"{domain:04x}:{bus:02x}:{device:02x}"


class KernelLog:
    """A thread that tells what comes; ``start`` begins with what is logged from then on."""

    def __init__(self, path: str, tell: "Tell") -> None:
        self._path = path
        self._tell = tell
        self._file = -1
        self._wake = self._waker = -1
        self._torn = b""
        self._overrun = False
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the log and follow it; that it may not be read is told once and costs nothing more."""
        if not self._path or self.thread is not None:
            return
        try:
            self._file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            event(
                "kernel_log_unreadable", path=self._path, error=error.strerror,
                consequence="XIDs come from NVML alone", advice="docs/how-to/gpu-nodes.md",
            )  # fmt: skip
            self._path = ""
            return
        try:
            os.lseek(self._file, 0, os.SEEK_END)
        except OSError as error:
            if error.errno != ESPIPE:  # a pipe has nothing old
                raise
        self._wake, self._waker = os.pipe2(os.O_CLOEXEC)
        self.thread = threading.Thread(target=self._run, name="gpu-kernel-log", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Have the thread end, and let go of the log."""
        waker, self._waker = self._waker, -1
        if waker >= 0:
            os.close(waker)

    def _run(self) -> None:
        both, end = poll(), poll()
        both.register(self._file, POLLIN)
        both.register(self._wake)
        end.register(self._wake)
        while self._wake not in [fd for fd, _ in both.poll()]:
            if not self._read() and end.poll(AT_END_MS):
                break
        os.close(self._file)
        os.close(self._wake)

    def _read(self) -> bool:
        """Tell what is there. False when nothing was."""
        try:
            data = os.read(self._file, LONGEST)
        except BlockingIOError:
            return False
        except OSError as error:
            return self._failed(error)
        *whole, self._torn = (self._torn + data).rpartition(b"\n")
        self._torn = self._torn[-LONGEST:]
        for entry in parse(whole[0]):
            try:
                self._tell(entry)
            except Exception as error:  # a supervised loop: one entry must not end it
                event("kernel_log_failed", error=f"{type(error).__name__}: {error}")
        return bool(data)

    def _failed(self, error: OSError) -> bool:
        """Records were overwritten before they were read (EPIPE): the next read goes on behind the gap."""
        if error.errno == EPIPE:
            if not self._overrun:
                event("kernel_log_overrun", consequence="XIDs may be missing that NVML has not told")
            self._overrun = True
            return True
        event("kernel_log_failed", error=error.strerror)
        return False
