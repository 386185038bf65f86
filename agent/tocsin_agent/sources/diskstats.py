"""Block devices, from /proc/diskstats (Documentation/admin-guide/iostats.rst), and what udev knows of them.

The kernel counts sectors of 512 bytes and milliseconds; the latter leave as text with the exponent ``e-3``. A read
costs about 10 us. udev's files are read only when a device, or udev's folder, has changed.
"""

from itertools import chain
from os import stat

from tocsin_agent.exposition import family, template
from tocsin_agent.kernelfile import KernelFile, text
from tocsin_agent.summary import SUM, Steady
from tocsin_schema.metrics.disk import ATA, FIELDS, FILESYSTEM_INFO, INFO, MAPPER_INFO, METRICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tocsin_agent.source import Values

SECTOR_BYTES = 512
SECTORS = (2, 6)
"""The columns that count sectors and leave as bytes."""
IO_NOW = 8
"""The column that is no counter."""
STACKED = ("dm-", "md", "drbd", "bcache")
"""How devices are called that stand upon others, and would count twice in a sum."""
WIDTHS = (14, 18, 20)
"""Major, minor, name, and 11 counters; Linux 4.18 added four, 5.5 two more. Later ones may add to them."""


def parse(data: bytes) -> tuple[int, list[bytes]]:
    """The fields of a row, and all fields in one list. Raises ValueError for anything else."""
    fields = data.split()
    width = len(data.split(b"\n", 1)[0].split())
    if not fields:
        return 0, []
    if width < WIDTHS[0] or len(fields) % width:
        raise ValueError(f"rows of at least {WIDTHS[0]} fields expected, found {data[:120]!r}")
    return width, fields


def ignored(device: str) -> bool:
    """Whether it is a partition, a RAM disk, a loop device or a floppy, as in node_exporter.

    Its pattern: ``^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$``.
    """
    stem = device.rstrip("0123456789")
    if stem == device:
        return False
    if stem in {"ram", "zram", "loop", "fd"}:
        return True
    if stem[:-1] in {"hd", "sd", "vd", "xvd"}:
        return "a" <= stem[-1] <= "z"
    controller, middle, namespace = stem.removeprefix("nvme").removesuffix("p").partition("n")
    return stem == f"nvme{controller}n{namespace}p" and bool(middle) and controller.isdigit() and namespace.isdigit()


def properties(udev: str) -> dict[str, str]:
    """The properties (lines ``E:NAME=value``) of one file of udev's database."""
    lines = [line[2:].partition("=") for line in udev.splitlines() if line.startswith("E:")]
    return {name: value for name, _, value in lines}


class Diskstats:
    """``node_disk_*``."""

    METRICS = METRICS

    def __init__(self, values: "Values") -> None:
        self._file = KernelFile(f"{values['procfs']}/diskstats")
        self._sysfs, self._udev = values["sysfs"], values["udev_data"]
        self._key: tuple[int, int, list[bytes]] | None = None
        self._kept: list[int] = []
        self._template = b""
        self._steady = Steady() if values["profile"] == "summary" else None

    def read(self) -> bytes:
        """One read of the file and one look at the age of udev's folder."""
        width, fields = parse(self._file.read())
        key = width, self._udev_age(), fields[2::width] if width else []
        if key != self._key:
            self._rebuild(width, fields)
            self._key = key
        count = min(width - 3, len(FIELDS))
        rows = [fields[start : start + count] for start in self._kept]
        if rows and not b"".join(chain.from_iterable(rows)).isdigit():
            raise ValueError(f"counters expected, found {b' '.join(rows[0])[:120]!r}")
        columns = list(zip(*rows, strict=True))
        for column in SECTORS if columns else ():
            columns[column] = tuple([b"%d" % (int(value) * SECTOR_BYTES) for value in columns[column]])
        if self._steady is not None and columns:
            columns = self._sums(columns, self._steady)
        return self._template % tuple(chain.from_iterable(columns))

    def _sums(self, columns: list[tuple[bytes, ...]], steady: Steady) -> list[tuple[bytes, ...]]:
        sums = [sum(map(int, column)) for column in columns]
        held = steady.hold(self._key, sums)
        held[IO_NOW] = sums[IO_NOW]
        return [(b"%d" % total,) for total in held]

    def _udev_age(self) -> int:
        try:
            return stat(str(self._udev)).st_mtime_ns
        except OSError:
            return 0

    def _rebuild(self, width: int, fields: list[bytes]) -> None:
        names = [name.decode("utf-8", "replace") for name in fields[2::width]] if width else []
        kept = [(row * width, name) for row, name in enumerate(names) if not ignored(name)]
        labels = [{"device": name} for _, name in kept]
        if self._steady is not None:
            kept = [(start, name) for start, name in kept if not name.startswith(STACKED)]
            labels = [{"device": SUM}] if kept else []
        parts = [
            template(metric, labels, b"e-3" if metric.unit == "seconds" else b"")
            for metric in FIELDS[: max(width - 3, 0)]
        ]
        numbers = [(name, fields[start].decode(), fields[start + 1].decode()) for start, name in kept]
        if self._steady is None:
            parts.append(self._about(numbers).replace(b"%", b"%%"))
        self._kept = [start + 3 for start, _ in kept]
        self._template = b"".join(parts)

    def _about(self, devices: list[tuple[str, str, str]]) -> bytes:
        infos, filesystems, mappers = [], [], []
        ata: dict[str, list[tuple[dict[str, str], float]]] = {name: [] for name in ATA}
        for device, major, minor in devices:
            known = properties(text(f"{self._udev}/b{major}:{minor}"))
            rotational = text(f"{self._sysfs}/block/{device.replace('/', '!')}/queue/rotational")
            infos.append((_info(device, major, minor, known, rotational or "0"), 1))
            if known.get("ID_FS_TYPE"):
                filesystems.append((_filesystem(device, known), 1))
            if known.get("DM_NAME"):
                mappers.append((_mapper(device, known), 1))
            for name in ATA if known.get("ID_ATA") else ():
                if known.get(name, "").isdecimal():
                    ata[name].append(({"device": device}, int(known[name])))
        found = family(INFO, infos) + family(FILESYSTEM_INFO, filesystems) + family(MAPPER_INFO, mappers)
        return found + b"".join([family(ATA[name], rows) for name, rows in ata.items()])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _info(device: str, major: str, minor: str, known: dict[str, str], rotational: str) -> dict[str, str]:
    # The serial printed on the disk first; virtio has the last one only.
    serials = [known.get(name, "") for name in ("SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL")]
    return {
        "device": device,
        "major": major,
        "minor": minor,
        "path": known.get("ID_PATH", ""),
        "wwn": known.get("ID_WWN", ""),
        "model": known.get("ID_MODEL", ""),
        "serial": next(filter(None, serials), ""),
        "revision": known.get("ID_REVISION", ""),
        "rotational": rotational,
    }


def _filesystem(device: str, known: dict[str, str]) -> dict[str, str]:
    fields = {"type": "ID_FS_TYPE", "usage": "ID_FS_USAGE", "uuid": "ID_FS_UUID", "version": "ID_FS_VERSION"}
    return {"device": device} | {label: known.get(name, "") for label, name in fields.items()}


def _mapper(device: str, known: dict[str, str]) -> dict[str, str]:
    fields = {
        "name": "DM_NAME",
        "uuid": "DM_UUID",
        "vg_name": "DM_VG_NAME",
        "lv_name": "DM_LV_NAME",
        "lv_layer": "DM_LV_LAYER",
    }
    return {"device": device} | {label: known.get(name, "") for label, name in fields.items()}


SOURCE = Diskstats
