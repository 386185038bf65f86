"""A file of the kernel, kept open and read from its start each time."""

import os
from time import monotonic

CHUNK = 32_768
PAGE = 4096
LIMIT = 16 << 20
"""More than any of these files has; a file that never ends must not take the memory."""


class KernelFile:
    """A file under /proc or /sys: a kept descriptor saves two thirds of a read (8.8 instead of 13.9 us for /proc/stat).

    It is opened at the first read and again after an error, so that a file may come and go.
    """

    __slots__ = ("_fd", "_single", "path")

    def __init__(self, path: str, *, single: bool = False) -> None:
        """``single``: a file that the kernel writes as one record (single_open, a sysctl): one call gives all of it."""
        self.path = path
        self._single = single
        self._fd = -1

    def read(self, enough: bytes = b"") -> bytes:
        """The whole content. Raises OSError when the file is not there, or longer than 16 MiB.

        With ``enough``, the content as far as the call of the kernel that gave these bytes, if they are there.
        """
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return self._read(enough)
        except OSError:
            self.close()
            raise

    def page(self) -> bytes:
        """The content of an attribute of sysfs, which is a page at most and comes in one call. Raises OSError."""
        if self._fd < 0:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(self._fd, PAGE, 0)
        except OSError:
            self.close()
            raise

    def fileno(self) -> int:
        """The descriptor that the last read left open."""
        return self._fd

    def _read(self, enough: bytes) -> bytes:
        # A seq_file gives whole records of about one page a call, however large the buffer: only an empty read ends it.
        data = os.pread(self._fd, CHUNK, 0)
        size = len(data)
        if (self._single and size < CHUNK) or not size or (enough and enough in data):
            return data
        parts = [data]
        while data := os.pread(self._fd, CHUNK, size):
            parts.append(data)
            size += len(data)
            if size > LIMIT:
                raise OSError(f"{self.path}: longer than {LIMIT} bytes")
        return b"".join(parts) if len(parts) > 1 else parts[0]

    def close(self) -> None:
        """Let go of the descriptor; the next read opens the file anew."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


LOOK_S = 45
"""How often one looks for what is not there: a device plugged in, a module loaded. Within a minute it is seen.

All these looks together cost a third of a scrape.
"""
SELDOM_S = 300
"""How often one reads what changes when somebody sets it. As old as Prometheus lets a value become."""


class OptionalFile(KernelFile):
    """A file that a host may lack: its content is b"" then, and for three quarters of a minute nobody looks again."""

    __slots__ = ("_look_at",)

    def __init__(self, path: str, *, single: bool = False) -> None:
        super().__init__(path, single=single)
        self._look_at = 0.0

    def read(self, enough: bytes = b"") -> bytes:
        """As KernelFile.read, and b"" while there is no such file."""
        if self._look_at and monotonic() < self._look_at:
            return b""
        try:
            data = KernelFile.read(self, enough)
        except (FileNotFoundError, NotADirectoryError):
            self._look_at = monotonic() + LOOK_S
            return b""
        self._look_at = 0.0
        return data


class HostNetFile:
    """A file of /proc/net as the first process sees it: in a container, the reader's own namespace is not the host's.

    Where /proc hides the first process, it is the reader's own after all.
    """

    __slots__ = ("_file", "_own", "_single")

    def __init__(self, procfs: object, name: str, *, single: bool = False) -> None:
        self._single = single
        self._file = KernelFile(f"{procfs}/1/net/{name}", single=single)
        self._own = f"{procfs}/net/{name}"

    def read(self) -> bytes:
        """The whole content. Raises OSError."""
        try:
            return self._file.read()
        except OSError:
            if self._file.path == self._own:
                raise
            self._file = KernelFile(self._own, single=self._single)
            return self._file.read()

    def close(self) -> None:
        """Let go of the descriptor."""
        self._file.close()


def integer(data: bytes) -> bytes:
    """The content of a file that holds one count. Raises ValueError for anything else."""
    text = data.strip()
    if not text.isdigit():
        raise ValueError(f"one count expected, found {data[:80]!r}")
    return text


def signed(data: bytes) -> bytes:
    """The content of a file that holds one whole number, which may be negative. Raises ValueError for anything else."""
    text = data.strip()
    if not text.removeprefix(b"-").isdigit():
        raise ValueError(f"one whole number expected, found {data[:80]!r}")
    return text


def text(path: str) -> str:
    """The content of a small file that is read once in a while, without its end; "" when it cannot be read."""
    file = KernelFile(path)
    try:
        return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
    finally:
        file.close()


def entries(folder: str) -> list[str]:
    """The names in a folder, in order; none when it cannot be listed."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def numbered(folder: str, stem: str) -> list[str]:
    """The numbers of the entries that are called by a stem and a number, ascending."""
    found = [name.removeprefix(stem) for name in entries(folder) if name.startswith(stem)]
    return sorted([number for number in found if number.isdecimal()], key=int)
