"""Whole hosts, invented: of one to 512 CPUs, under Linux 2.6.32 to 6.18, with what is odd or absent on them.

`trees/` has what one source reads; here a host has the files of all of them, in the formats of its kernel.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

MOST = 2**64 - 1

Mount = tuple[str, str, str, str]
"""Device, place, type and options, as the kernel writes them: a space is ``\\040``."""
DISK = ("/dev/sda1", "/", "ext4", "rw")
_CONTROLLERS = [
    "cpu",
    "cpuacct",
    "blkio",
    "memory",
    "devices",
    "freezer",
    "net_cls",
    "perf_event",
    "net_prio",
    "hugetlb",
    "pids",
    "rdma",
]
CGROUPS: dict[str, tuple[Mount, ...]] = {
    "none": (),
    "v1": (
        ("tmpfs", "/sys/fs/cgroup", "tmpfs", "ro"),
        ("cgroup", "/sys/fs/cgroup/systemd", "cgroup", "rw"),
        *[("cgroup", f"/sys/fs/cgroup/{name}", "cgroup", "rw") for name in _CONTROLLERS],
    ),
    "v2": (("cgroup2", "/sys/fs/cgroup", "cgroup2", "rw"),),
}
CGROUPS["both"] = (*CGROUPS["v1"], ("cgroup2", "/sys/fs/cgroup/unified", "cgroup2", "rw"))
PODS = tuple(
    ("overlay", f"/var/lib/docker/overlay2/{n:064x}/merged", "overlay", "rw,lowerdir=/a:/b") for n in range(60)
) + tuple(("tmpfs", f"/var/lib/kubelet/pods/{n:036x}/volumes/token", "tmpfs", "rw,size=64k") for n in range(40))
ODD = (
    ("//filer/My\\040Share", "/mnt/my\\040share", "cifs", "rw"),
    ("filer:/vol/a\\011b", "/srv/tab\\011stop", "nfs4", "ro"),
    ("/dev/mapper/vg-l\\043v", '/srv/qu"ote%d', "xfs", "rw"),
    ("zroot/données", "/srv/données", "zfs", "rw"),
    ("/dev/sdb1", "/srv/read only".replace(" ", "\\040"), "ext4", "rw;emergency_ro"),
    ("/dev/sdc1", "/srv/lost", "ext4", "rw"),
)
NO_UTF8 = (
    ("/dev/\udce9\udce8", "/srv/caf\udce9", "ext4", "rw"),
    ("//filer/\udcd6\udcd0\udcce\udcc4", "/srv/\udcd6\udcd0\udcce\udcc4/x", "cifs", "rw"),
    ("//filer/\udcd6\udcd0\udcce\udcc4", "/srv/\udcd6\udcd0\udcce\udcc5/x", "cifs", "rw"),
)
"""Latin-1 and GBK; the last two have the same labels."""
LOST = "/srv/lost"
"""A place that is in the list of mounts and cannot be reached."""


@dataclass(frozen=True)
class Host:
    """What there is on one host."""

    cpus: int
    kernel: tuple[int, ...]
    offline: tuple[int, ...] = ()
    isolated: str = ""
    cgroups: str = "v2"
    devices: tuple[str, ...] = ("lo", "eth0")
    disks: tuple[str, ...] = ("sda", "sda1")
    mounts: tuple[Mount, ...] = ()
    udev: dict[str, str] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()

    @property
    def online(self) -> list[int]:
        return [cpu for cpu in range(self.cpus) if cpu not in self.offline]


SOCKSTAT = (
    "sockets: used 229\nTCP: inuse 4 orphan 0 tw 4 alloc 17 mem 1\nUDP: inuse 1 mem 0\nRAW: inuse 0\n"
    "FRAG: inuse 0 memory 0\n"
)
VETHS = tuple(f"veth{n:07x}" for n in range(96))
ODD_DEVICES = ("lo", "eth0.100", "br-0a1b2c", 'we"ird', "per%cent", "back\\slash", "bond0", "naïve", "wg_-+=~")
ODD_DISKS = ("cciss/c0d0", "cciss/c0d0p1", "dm-0", "md127", "mmcblk0boot0", "nbd15", "zram0", "loop7", "xvda", "rbd0")
NVMES = tuple(f"nvme{n}n1{part}" for n in range(16) for part in ("", "p1", "p2"))
MANY = tuple(f"sd{a}{b}" for a in "abcd" for b in "abcdefghijklmnopqrstuvwxyz")
UDEV = {
    "sda": "E:ID_MODEL=ST4000\nE:ID_SERIAL_SHORT=Z1\nE:ID_ATA=1\nE:ID_ATA_ROTATION_RATE_RPM=5980\n"
    "E:ID_ATA_WRITE_CACHE=1\nE:ID_ATA_WRITE_CACHE_ENABLED=0\nE:ID_PATH=pci-0000:00:1f.2-ata-1\nE:ID_WWN=0x5000c5\n",
    "dm-0": 'S:mapper/x\nE:DM_NAME=vg-"root"\nE:DM_UUID=LVM-u\nE:DM_VG_NAME=vg\nE:DM_LV_NAME=root\nE:ID_FS_TYPE=ext4\n',
}
ROOTFS = ("rootfs", "/", "rootfs", "rw")

HOSTS = {
    "one CPU of a small machine": Host(1, (6, 1), disks=("vda", "vda1", "vdb")),
    "one CPU, 2.6.32": Host(1, (2, 6, 32), cgroups="none"),
    "two CPUs, 3.10, cgroup v1": Host(2, (3, 10), cgroups="v1"),
    "two CPUs, 4.4": Host(2, (4, 4), cgroups="v1"),
    "four CPUs, 2.6.32, rootfs below": Host(4, (2, 6, 32), cgroups="v1", disks=("hda", "hda1", "fd0", "sr0")),
    "four CPUs, 4.9": Host(4, (4, 9), cgroups="v1", devices=ODD_DEVICES),
    "four CPUs, 4.18 brings discards": Host(4, (4, 18), cgroups="both", disks=ODD_DISKS),
    "four CPUs, 4.19, pressure off": Host(4, (4, 19), cgroups="both", lacks=("proc/pressure",)),
    "four CPUs, 5.4": Host(4, (5, 4), cgroups="both"),
    "four CPUs, 5.5 brings flushes": Host(4, (5, 5), disks=(*ODD_DISKS, *NVMES)),
    "four CPUs, 5.10": Host(4, (5, 10), devices=("lo",)),
    "four CPUs, 6.18": Host(4, (6, 18), disks=("nvme0n1", "nvme0n1p1")),
    "odd mounts": Host(4, (6, 6), mounts=ODD),
    "odd mounts, cgroup v1": Host(4, (4, 14), cgroups="v1", mounts=ODD),
    "mounts that are no UTF-8": Host(4, (6, 1), mounts=NO_UTF8),
    "devices that are no UTF-8": Host(4, (6, 1), devices=("lo", "\udcff", "\udcfe")),
    "what udev knows": Host(4, (6, 1), disks=("sda", "sda1", "dm-0"), udev=UDEV),
    "eight CPUs, two of them offline": Host(8, (6, 1), offline=(3, 7)),
    "the first CPU is offline": Host(4, (6, 1), offline=(0,)),
    "sixty-four CPUs": Host(64, (5, 15), disks=NVMES),
    "sixty-four CPUs, every second offline": Host(64, (5, 14), offline=tuple(range(1, 64, 2))),
    "sixty-four CPUs, isolated ones": Host(64, (6, 8), isolated="2-31,34-63"),
    "sixty-four CPUs of a node of Kubernetes": Host(64, (5, 15), devices=("lo", "eth0", *VETHS), mounts=PODS),
    "the same under cgroup v1": Host(64, (4, 18), cgroups="v1", devices=("lo", "eth0", *VETHS), mounts=PODS),
    "a filer of a hundred disks": Host(32, (6, 1), disks=MANY),
    "128 CPUs": Host(128, (5, 10), devices=("lo", "eth0", *VETHS)),
    "224 CPUs": Host(224, (6, 8), disks=NVMES, devices=("lo", "eth0", *VETHS)),
    "224 CPUs, 4.18": Host(224, (4, 18), cgroups="v1", disks=NVMES),
    "224 CPUs, half of them offline": Host(224, (6, 1), offline=tuple(range(112, 224))),
    "512 CPUs": Host(512, (6, 18), disks=NVMES, devices=("lo", "eth0", *VETHS), mounts=PODS),
    "512 CPUs, 5.4": Host(512, (5, 4), cgroups="both"),
    "a container without disks and pressure": Host(4, (5, 15), lacks=("proc/diskstats", "proc/pressure")),
    "a sandbox that lets little through": Host(
        2, (4, 4), cgroups="none", lacks=("proc/vmstat", "proc/diskstats", "proc/net", "proc/schedstat", "sys")
    ),
    "no IPv6 and no connection tracking": Host(4, (6, 1), lacks=("proc/net/sockstat6", "proc/sys/net")),
    "no sysfs": Host(4, (6, 1), lacks=("sys",)),
    "nothing at all": Host(4, (6, 1), lacks=("proc", "sys")),
}

NO_PEER = {("mounts that are no UTF-8", "filesystem"), ("devices that are no UTF-8", "netdev")}
"""node_exporter asks for a place as it prints it, which is not there, and panics over such a device."""


def plant(root: Path, host: Host) -> None:
    """Write a host's files below a folder, and make the places of its mounts below ``rootfs``."""
    for path, content in files(host, Random(0)):
        if not any(f"{path}/".startswith(f"{lack}/") for lack in host.lacks):
            target = root / path.replace("proc/net/", "proc/1/net/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode("utf-8", "surrogateescape"))
    for folder in ("proc/1", "sys/class", "rootfs", "udev"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "proc/self").symlink_to("1")
    (root / "sys/devices/system/cpu/cpu0").mkdir(parents=True, exist_ok=True)  # node_exporter 1.12 panics without
    if (root / "proc/1/net").is_dir():
        (root / "proc/net").symlink_to("1/net")
    for _, place, _, _ in _mounts(host):
        if place != LOST:
            raw = place.encode("utf-8", "surrogateescape").decode("unicode_escape").encode("latin-1")
            os.makedirs(os.fsencode(f"{root}/rootfs") + raw, exist_ok=True)


def files(host: Host, random: Random) -> Iterator[tuple[str, str]]:
    """Path and content of every file."""
    yield "proc/stat", _stat(host, random)
    yield "proc/loadavg", "0.52 112.58 0.59 1/467 12345\n"
    yield "proc/meminfo", _meminfo(host, random)
    yield "proc/vmstat", _vmstat(host, random)
    yield "proc/diskstats", _diskstats(host, random)
    yield "proc/net/dev", _net_dev(host, random)
    yield "proc/net/sockstat", SOCKSTAT
    yield "proc/net/sockstat6", "TCP6: inuse 17\nUDP6: inuse 9\nRAW6: inuse 1\nFRAG6: inuse 0 memory 0\n"
    yield "proc/net/softnet_stat", _softnet(host, random)
    yield "proc/schedstat", _schedstat(host, random)
    yield "proc/sys/fs/file-nr", "1024\t0\t1631329\n"
    yield "proc/sys/kernel/random/entropy_avail", "256\n"
    yield "proc/sys/kernel/random/poolsize", f"{256 if host.kernel >= (5, 18) else 4096}\n"
    yield "proc/sys/net/netfilter/nf_conntrack_count", "123\n"
    yield "proc/sys/net/netfilter/nf_conntrack_max", "65536\n"
    mounts = _mounts(host)
    yield "proc/1/mountinfo", "".join(_mountinfo(number, *mount) for number, mount in enumerate(mounts, 20))
    yield "proc/1/mounts", "".join(f"{d} {p} {t} {o.replace(';', ',')} 0 0\n" for d, p, t, o in mounts)
    if host.kernel >= (4, 20):
        yield from _pressure(host, random)
    yield from _sysfs(host, random)
    for disk, known in host.udev.items():
        yield f"udev/b{_numbers(host, disk)}", known


def _stat(host: Host, random: Random) -> str:
    columns = 9 if host.kernel < (2, 6, 33) else 10
    rows = [f"cpu{cpu} " + " ".join(str(random.randrange(2**40)) for _ in range(columns)) for cpu in host.online]
    total = "cpu  " + " ".join(["1"] * columns)
    interrupts = f"intr {random.randrange(2**60)}" + " 0" * (host.cpus * 20)
    rest = [f"ctxt {MOST}", "btime 1700000000", "processes 4242", f"procs_running {host.cpus}", "procs_blocked 0"]
    return "\n".join([total, *rows, interrupts, *rest, "softirq 9 0 1 0 2 3 0 1 1 0 1"]) + "\n"


def _meminfo(host: Host, random: Random) -> str:
    fields = "MemTotal MemFree Buffers Cached SwapCached Active Inactive Active(anon) Inactive(anon) Active(file)"
    fields += " Inactive(file) Unevictable Mlocked SwapTotal SwapFree Dirty Writeback AnonPages Mapped Shmem Slab"
    fields += (
        " SReclaimable SUnreclaim KernelStack PageTables NFS_Unstable Bounce WritebackTmp CommitLimit Committed_AS"
    )
    fields += " VmallocTotal VmallocUsed VmallocChunk HardwareCorrupted AnonHugePages"
    since = {"MemAvailable": (3, 14), "CmaTotal": (3, 19), "CmaFree": (3, 19), "ShmemHugePages": (4, 8)}
    since |= {"ShmemPmdMapped": (4, 8), "KReclaimable": (4, 20), "Percpu": (5, 0), "FileHugePages": (5, 4)}
    since |= {"FilePmdMapped": (5, 4), "Zswap": (5, 19), "Zswapped": (5, 19), "SecPageTables": (6, 1)}
    names = fields.split() + [name for name, first in since.items() if host.kernel >= first]
    lines = [f"{name + ':':15} {random.randrange(2**33):8} kB" for name in names]
    lines += [f"HugePages_{name}:  {random.randrange(99)}" for name in ("Total", "Free", "Rsvd", "Surp")]
    return (
        "\n".join([*lines, "Hugepagesize:       2048 kB", "DirectMap4k:      100 kB", "DirectMap2M:   2048 kB"]) + "\n"
    )


def _vmstat(host: Host, random: Random) -> str:
    """Later kernels have more than a page of it."""
    filler = [f"nr_kind_of_page_{n:03d} {random.randrange(2**30)}" for n in range(30 if host.kernel < (4, 0) else 160)]
    names = ["pgpgin", "pgpgout", "pswpin", "pswpout", "pgalloc_dma", "pgfree", "pgfault", "pgmajfault"]
    names += ["pgscan_direct_normal", "kswapd_steal"] + ["oom_kill"] * (host.kernel >= (4, 13))
    lines = [f"{name} {random.randrange(2**63)}" for name in names]
    return "\n".join([*filler[:80], *lines, *filler[80:]]) + "\n"


def _numbers(host: Host, disk: str) -> str:
    return f"8:{host.disks.index(disk)}"


def _diskstats(host: Host, random: Random) -> str:
    counters = 11 if host.kernel < (4, 18) else 15 if host.kernel < (5, 5) else 17
    return "".join(
        f"{_numbers(host, disk).replace(':', '       ')} {disk} "
        + " ".join(str(random.randrange(2**32)) for _ in range(counters))
        + "\n"
        for disk in host.disks
    )


def _net_dev(host: Host, random: Random) -> str:
    """Old kernels leave no space between a long name's colon and a long count."""
    head = "Inter-|   Receive |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast"
    head += "|bytes packets errs drop fifo colls carrier compressed\n"
    space = "" if host.kernel < (3, 0) else " "
    rows = [
        f"{name:>6}:{space}{MOST} " + " ".join(str(random.randrange(2**50)) for _ in range(15)) for name in host.devices
    ]
    return head + "\n".join(rows) + "\n"


def _softnet(host: Host, random: Random) -> str:
    width = 9 if host.kernel < (2, 6, 36) else 10 if host.kernel < (3, 11) else 11 if host.kernel < (5, 10) else 13
    width += 2 * (host.kernel >= (6, 6))
    rows = [[random.randrange(2**32) for _ in range(width)] for _ in host.online]
    for cpu, row in zip(host.online, rows, strict=True):
        row[12:13] = [cpu] * (width > 12)
    return "".join(" ".join(f"{value:08x}" for value in row) + "\n" for row in rows)


def _schedstat(host: Host, random: Random) -> str:
    version = 15 if host.kernel < (6, 14) else 17
    rows = [f"cpu{cpu} 0 0 0 0 0 0 " + " ".join(str(random.randrange(2**60)) for _ in range(3)) for cpu in host.online]
    domain = "domain0 f" + " 0" * 36
    return f"version {version}\ntimestamp 4295000000\n" + "".join(f"{row}\n{domain}\n" for row in rows)


def _pressure(host: Host, random: Random) -> Iterator[tuple[str, str]]:
    for resource in ("cpu", "io", "memory", *(["irq"] if host.kernel >= (6, 1) else [])):
        kinds = ["some"] * (resource != "irq") + ["full"] * (resource != "cpu" or host.kernel >= (5, 13))
        lines = [f"{kind} avg10=0.00 avg60=1.00 avg300=0.10 total={random.randrange(2**50)}\n" for kind in kinds]
        yield f"proc/pressure/{resource}", "".join(lines)


def _mounts(host: Host) -> list[Mount]:
    proc = ("proc", "/proc", "proc", "rw,nosuid")
    below = [ROOTFS] if host.kernel < (3, 0) else []
    shm = ("tmpfs", "/dev/shm", "tmpfs", "rw")
    run = ("tmpfs", "/run", "tmpfs", "rw,nosuid,size=10%")
    return [*below, DISK, proc, shm, run, *CGROUPS[host.cgroups], *host.mounts]


def _mountinfo(number: int, device: str, place: str, fstype: str, options: str) -> str:
    """The options after a semicolon are the superblock's alone."""
    own, _, superblock = options.partition(";")
    return f"{number} 1 8:{number} / {place} {own} shared:{number} - {fstype} {device} {superblock or own}\n"


def _sysfs(host: Host, random: Random) -> Iterator[tuple[str, str]]:
    cpus = "sys/devices/system/cpu"
    yield f"{cpus}/present", f"0-{host.cpus - 1}\n"
    yield f"{cpus}/online", ",".join(map(str, host.online)) + "\n"
    yield f"{cpus}/offline", ",".join(map(str, host.offline)) + "\n"
    yield f"{cpus}/isolated", f"{host.isolated}\n"
    for cpu in range(host.cpus):
        folder = f"{cpus}/cpu{cpu}"
        yield f"{folder}/online", f"{int(cpu in host.online)}\n"
        if cpu in host.offline:
            continue
        yield f"{folder}/topology/physical_package_id", f"{cpu * 2 // host.cpus}\n"
        yield f"{folder}/topology/core_id", f"{cpu % max(host.cpus // 4, 1)}\n"
        yield f"{folder}/thermal_throttle/core_throttle_count", f"{random.randrange(99)}\n"
        yield f"{folder}/thermal_throttle/package_throttle_count", f"{random.randrange(99)}\n"
        for name in (
            "cpuinfo_min_freq",
            "cpuinfo_max_freq",
            "scaling_min_freq",
            "scaling_max_freq",
            "scaling_cur_freq",
        ):
            yield f"{folder}/cpufreq/{name}", f"{random.randrange(800_000, 4_000_000)}\n"
        yield f"{folder}/cpufreq/scaling_driver", "intel_pstate\n"
        yield f"{folder}/cpufreq/scaling_governor", "powersave\n"
        yield f"{folder}/cpufreq/scaling_setspeed", "<unsupported>\n"
        yield f"{folder}/cpufreq/related_cpus", f"{cpu}\n"
        yield f"{folder}/cpufreq/cpuinfo_transition_latency", "0\n"
        yield f"{folder}/cpufreq/scaling_available_governors", "performance powersave\n"
    for node in range(min(host.cpus, 4)):
        lines = [
            f"Node {node} {name}: {random.randrange(2**33):8} kB\n" for name in ("MemTotal", "MemFree", "Active(anon)")
        ]
        yield f"sys/devices/system/node/node{node}/meminfo", "".join(lines) + f"Node {node} HugePages_Total:     7\n"
        yield f"sys/devices/system/node/node{node}/numastat", "numa_hit 5\nnuma_miss 1\nlocal_node 4\n"
    for disk in host.disks:  # node_exporter looks for cciss/c0d0, where there is cciss!c0d0, and takes it for 0
        rotational = 0 if "/" in disk else random.randrange(2)
        yield f"sys/block/{disk.replace('/', '!')}/queue/rotational", f"{rotational}\n"
