"""Room of the mounted filesystems, from /proc/PID/mountinfo (proc_pid_mountinfo(5)) and statfs(2).

The kernel says when the list of mounts has changed (poll on mountinfo), so it is read only then: 24 us and more saved a
scrape. A statfs costs about 3 us.
"""

import os
from itertools import groupby
from select import POLLERR, POLLPRI, poll
from time import monotonic

from tocsin_agent.exposition import family, template
from tocsin_agent.kernelfile import KernelFile
from tocsin_agent.mountpoint import LOCAL, Mountpoint, mountpoint
from tocsin_schema.metrics.filesystem import (
    AVAILABLE,
    DEVICE_ERROR,
    FILES,
    FILES_FREE,
    FREE,
    METRICS,
    MOUNT_INFO,
    READONLY,
    SIZE,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values
    from tocsin_schema.metric import Metric

WAIT_S = 0.25
"""How long a scrape waits for all servers together."""

# What node_exporter leaves out by default.
_TYPES = """
autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs fusectl hugetlbfs iso9660 mqueue nsfs overlay
proc procfs pstore rpc_pipefs securityfs selinuxfs squashfs erofs sysfs tracefs
"""
TYPES = frozenset(_TYPES.split())
TREES = ("/dev", "/proc", "/sys")
UNDER = ("/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/")
OF_CONTAINERS = ("/run/", "/var/lib/kubelet/", "/var/lib/docker/", "/var/lib/containers/")

# Sizes, which leave as bytes, and counts: the fields of statvfs.
SPACE = {"f_blocks": SIZE, "f_bfree": FREE, "f_bavail": AVAILABLE, "f_files": FILES, "f_ffree": FILES_FREE}
SPACE_FIELDS = ("f_blocks", "f_bfree", "f_bavail"), ("f_files", "f_ffree")
IN_SUMMARY: tuple[tuple[str, ...], tuple[str, ...]] = ("f_blocks", "f_bavail"), ()


class Mount:
    """One line of mountinfo."""

    __slots__ = ("device", "fstype", "major", "minor", "path", "place", "readonly")

    def __init__(self, fields: list[bytes], source: list[bytes]) -> None:
        self.major, _, self.minor = fields[2].decode("ascii", "replace").partition(":")
        path = unescape(fields[4])
        self.path, self.place = os.fsdecode(path), printable(path)
        self.fstype = printable(source[0])
        self.device = printable(source[1])  # with its escapes, as node_exporter has it
        options = fields[5].split(b",") + (source[2].split(b",") if len(source) > 2 else [])
        self.readonly = b"ro" in options or b"emergency_ro" in options  # ext4 after an error, since Linux 6.14

    def labels(self) -> dict[str, str]:
        """Its labels, as node_exporter has them; `device_error` is there for a mount in error only."""
        return {"device": self.device, "mountpoint": self.place, "fstype": self.fstype}


def parse(data: bytes) -> list[Mount]:
    """The mounts, the last one of each place: it covers the others. Raises ValueError for anything else."""
    found: dict[str, Mount] = {}
    for line in data.removesuffix(b"\n").split(b"\n") if data else ():  # a path may hold a carriage return
        before, separator, after = line.partition(b" - ")
        fields, source = before.split(b" "), after.split(b" ")
        if not separator or len(fields) < 6 or len(source) < 2 or b":" not in fields[2]:
            raise ValueError(f"a line of mountinfo expected, found {line[:120]!r}")
        mount = Mount(fields, source)
        found.pop(mount.path, None)
        found[mount.path] = mount
    return list(found.values())


def unescape(field: bytes) -> bytes:
    r"""A field of mountinfo without its escapes: ``\040`` is a space."""
    if b"\\" not in field:
        return field
    parts = field.split(b"\\")
    return parts[0] + b"".join([_octal(part) for part in parts[1:]])


def _octal(part: bytes) -> bytes:
    digits = part[:3]
    if len(digits) == 3 and not digits.strip(b"01234567") and digits[:1] < b"4":
        return bytes([int(digits, 8)]) + part[3:]
    return b"\\" + part


def printable(name: bytes) -> str:
    """A name as a label's value: a run of bytes that are no UTF-8 becomes one U+FFFD, as in node_exporter."""
    text = name.decode("utf-8", "surrogateescape")
    if text.isprintable():
        return text
    runs = groupby(text, lambda character: "\udc80" <= character <= "\udcff")
    return "".join(["\ufffd" if broken else "".join(run) for broken, run in runs])


def ignored(mount: Mount) -> bool:
    """Whether node_exporter leaves it out by default."""
    path = mount.path + "/"
    inside = any(path.startswith(tree + "/") for tree in TREES)
    return mount.fstype in TYPES or inside or any(path.startswith(tree) and path != tree for tree in UNDER)


def passing(mount: Mount) -> bool:
    """Whether the profile `summary` leaves it out too: memory, and what comes and goes with a container."""
    return mount.fstype in ("tmpfs", "ramfs") or (mount.path + "/").startswith(OF_CONTAINERS)


def servers(mounts: list[Mount]) -> list[Mount]:
    """The mounts whose server may keep everybody waiting who goes through them. (Without `/`, nothing goes at all.)"""
    return [mount for mount in mounts if mount.fstype not in LOCAL | TYPES and mount.path != "/"]


def above(mount: Mount, waiting: list[Mount]) -> list[str]:
    """The types of those mounts that the path of this one crosses."""
    return [other.fstype for other in waiting if mount.path.startswith(other.path + "/")]


class Mountinfo:
    """The list of mounts; ``changed`` asks the kernel whether to read it again."""

    def __init__(self, procfs: object) -> None:
        # The first process sees the host's mounts even when the agent stands in a container.
        self._paths = [f"{procfs}/1/mountinfo", f"{procfs}/self/mountinfo"]
        self._file = KernelFile(self._paths[0])
        self._poll: poll | None = None

    def changed(self) -> bool:
        """True at first, after an error, after a mount or unmount, and always when it is no file of the kernel."""
        return self._poll is None or any(event & (POLLERR | POLLPRI) for _, event in self._poll.poll(0))

    def read(self) -> bytes:
        """The whole list. Raises OSError."""
        self._poll = None
        try:
            data = self._file.read()
        except OSError:
            self._file = KernelFile(self._paths[1])
            data = self._file.read()
        self._watch()
        return data

    def _watch(self) -> None:
        fd = self._file.fileno()
        if not os.fstat(fd).st_size:  # a file of the kernel has no size
            self._poll = poll()
            self._poll.register(fd, POLLPRI)
            self._poll.poll(0)

    def close(self) -> None:
        """Let go of the file."""
        self._poll = None
        self._file.close()


class Filesystem:
    """``node_filesystem_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._root = str(values["rootfs"]).rstrip("/")
        self._mountinfo = Mountinfo(values["procfs"])
        self._listed: bytes | None = None
        self._mounts: list[tuple[Mount, Mountpoint]] = []
        self._known: dict[tuple[str, str, str], Mountpoint] = {}
        self._summary = values["profile"] == "summary"
        self._sizes, self._counts = IN_SUMMARY if self._summary else SPACE_FIELDS
        self._errors: tuple[str, ...] | None = None
        self._template = b""

    def read(self) -> bytes:
        """One statfs a mount; those that may hang run beside each other, for a quarter of a second at most."""
        if self._mountinfo.changed():
            data = self._mountinfo.read()
            if data != self._listed:
                self._list(parse(data))
                self._listed = data
        answers = self._ask()
        errors = tuple([answer if isinstance(answer, str) else "" for answer in answers])
        if errors != self._errors:
            self._rebuild(errors)
        rooms = [answer for answer in answers if not isinstance(answer, str)]
        values: list[int] = []
        for name in self._sizes:
            # Counted in fragments, as df does; node_exporter's f_bsize differs on some FUSE servers and is wrong there.
            values += [getattr(room, name) * room.f_frsize for room in rooms]
        for name in self._counts:
            values += [getattr(room, name) for room in rooms]
        return self._template % tuple(values)

    def _ask(self) -> list[os.statvfs_result | str]:
        for _, one in self._mounts:
            one.ask()
        until = monotonic() + WAIT_S
        return [one.answer(until - monotonic()) for _, one in self._mounts]

    def _list(self, mounts: list[Mount]) -> None:
        """Take a new list; a mount that is still there keeps its thread, so that one that hangs has no second."""
        known: dict[tuple[str, str, str], Mountpoint] = {}
        self._mounts = []
        waiting, seen = servers(mounts), set()
        for mount in mounts:
            labels = tuple(mount.labels().values())
            if ignored(mount) or (self._summary and passing(mount)) or labels in seen:  # two may print alike
                continue
            seen.add(labels)
            key = mount.path, mount.device, mount.fstype
            types = mount.fstype, *above(mount, waiting)
            known[key] = self._known.get(key) or mountpoint(self._root + mount.path, *types)
            self._mounts.append((mount, known[key]))
        self._known, self._errors = known, None

    def _rebuild(self, errors: tuple[str, ...]) -> None:
        labels = [mount.labels() for mount, _ in self._mounts]
        there = [row for row, error in zip(labels, errors, strict=True) if not error]
        named = [row | ({"device_error": error} if error else {}) for row, error in zip(labels, errors, strict=True)]
        readonly = [int(mount.readonly) for mount, _ in self._mounts]
        constant = self._states(READONLY, named, readonly)
        constant += self._states(DEVICE_ERROR, named, [int(bool(error)) for error in errors])
        if not self._summary:
            answered = zip(self._mounts, errors, strict=True)
            constant += family(MOUNT_INFO, [(_info(mount), 1) for (mount, _), error in answered if not error])
        metrics = [SPACE[name] for name in (*self._sizes, *self._counts)]
        space = [template(metric, there).replace(b" %b\n", b" %d\n") for metric in metrics]
        self._template = b"".join(space) + constant.replace(b"%", b"%%")
        self._errors = errors

    def _states(self, metric: "Metric", mounts: list[dict[str, str]], states: list[int]) -> bytes:
        """A state of each mount; in the summary, of those that are not as they should be."""
        pairs = zip(mounts, states, strict=True)
        return family(metric, [(labels, state) for labels, state in pairs if state or not self._summary])

    def close(self) -> None:
        """Let go of the list; a thread that hangs in the kernel ends with the process."""
        self._mountinfo.close()


def _info(mount: Mount) -> dict[str, str]:
    return {
        "device": mount.device,
        "major": mount.major,
        "minor": mount.minor,
        "mountpoint": mount.place,
    }


SOURCE = Filesystem
