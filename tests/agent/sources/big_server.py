"""A server of 224 CPUs, 16 NVMe disks, 67 network devices and 60 mounts, in the kernel's formats, at work.

``plant`` writes its files; ``tick`` writes anew those that move, so that no reader is flattered by a host where nothing
happens. The same turn gives the same bytes. Counters have the size of a month's; what stands still on such a machine
(steal, guests, limits, most errors) stands still here.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from tests.agent.sources import tree

CPUS, CORES, DISKS, LINKS, PODS = 224, 56, 16, 64, 40
FIXTURE = Path(__file__).parent / "fixtures" / "vm_6.18"
TREES = ("netstat", "sockstat", "entropy", "filefd", "os", "conntrack", "infiniband", "rapl", "nfs")
"""What is alike on a host of any size."""
TURN_S = 15

Files = Iterator[tuple[str, str]]


def plant(root: Path) -> None:
    """Write the whole host below an empty folder: ``proc``, ``sys``, ``rootfs``, ``udev``."""
    for name in TREES:
        tree.plant(root, (tree.FOLDER / f"{name}.tree").read_text(encoding="utf-8"))
    for path, content in (*_standing(), *_moving(0)):
        _write(root, path, content)
    os.makedirs(root / "proc/1", exist_ok=True)
    os.symlink("1", root / "proc/self")
    os.symlink("../net", root / "proc/1/net")
    for mountpoint in _mountpoints():
        os.makedirs(f"{root}/rootfs{mountpoint}", exist_ok=True)
    for number in range(2):
        folder = f"devices/platform/coretemp.{number}/hwmon/hwmon{number}"
        os.makedirs(root / "sys/class/hwmon", exist_ok=True)
        os.symlink(f"../../{folder}", root / f"sys/class/hwmon/hwmon{number}")
        os.symlink(f"../../../coretemp.{number}", root / f"sys/{folder}/device")


def tick(root: Path, turn: int) -> None:
    """Write what has moved by then into the same files, which readers keep open. A turn is 15 seconds."""
    for path, content in _moving(turn):
        _write(root, path, content)


def _write(root: Path, path: str, content: str) -> None:
    os.makedirs(os.path.dirname(root / path), exist_ok=True)
    (root / path).write_text(content)


def _moving(turn: int) -> Files:
    yield "proc/stat", _stat(turn)
    yield "proc/schedstat", _schedstat(turn)
    yield "proc/net/softnet_stat", _softnet(turn)
    yield "proc/net/dev", _net_dev(turn)
    yield "proc/diskstats", _diskstats(turn)
    yield "proc/meminfo", _every_line((FIXTURE / "proc/meminfo").read_text(), turn, "Hugepagesize", "HardwareCorrupted")
    yield "proc/vmstat", _every_line((FIXTURE / "proc/vmstat").read_text(), turn)
    yield "proc/loadavg", f"{100 + turn % 9}.21 99.80 97.{turn % 60 + 10} 113/9021 {40_000 + turn}\n"
    for name in ("cpu", "io", "memory"):
        yield f"proc/pressure/{name}", _pressure(turn + len(name))
    for cpu in range(CPUS):
        yield (
            f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq",
            f"{800_000 + _spread(cpu, turn) % 3_000_000}\n",
        )
    for package in range(2):
        for sensor in range(1, CORES + 2):
            yield f"{_coretemp(package)}/temp{sensor}_input", f"{40 + _spread(sensor, turn) % 40}000\n"


def _spread(*numbers: int) -> int:
    """A number of up to 31 bits that looks like none of its neighbours'."""
    found = 0
    for number in numbers:
        found = (found * 31 + number + 1) * 2_654_435_761 % 2**31
    return found


def _counter(turn: int, *names: int, most_a_s: int) -> int:
    """A month's count and what has come since."""
    rate = _spread(*names) % most_a_s + 1
    return rate * 30 * 86_400 + rate * turn * TURN_S + _spread(*names, turn) % (rate * 3)


def _stat(turn: int) -> str:
    rows = []
    for cpu in range(CPUS):
        user, system, idle = (_counter(turn, cpu, mode, most_a_s=60) for mode in (0, 2, 3))
        iowait, softirq = (_counter(turn, cpu, mode, most_a_s=3) for mode in (4, 6))
        rows.append([user, _spread(cpu) % 5000, system, idle, iowait, 0, softirq, 0, 0, 0])
    total = [sum(column) for column in zip(*rows, strict=True)]
    lines = ["cpu  " + " ".join(map(str, total))]
    lines += [f"cpu{cpu} " + " ".join(map(str, row)) for cpu, row in enumerate(rows)]
    interrupts = [_counter(turn, number, 99, most_a_s=200) if number % 8 == 0 else 0 for number in range(2000)]
    lines += [f"intr {sum(interrupts)} " + " ".join(map(str, interrupts))]
    lines += [f"ctxt {_counter(turn, 7, most_a_s=2**30)}", "btime 1767225600", f"processes {9_000_000 + 80 * turn}"]
    lines += [f"procs_running {1 + turn % 90}", "procs_blocked 0", "softirq 5 0 1 2 3 4 5 6 7 8 9"]
    return "\n".join(lines) + "\n"


def _schedstat(turn: int) -> str:
    lines = ["version 15", f"timestamp {4_300_000_000 + turn * TURN_S * 250}"]
    mask = ",".join(["ffffffff"] * (CPUS // 32))
    for cpu in range(CPUS):
        run, wait, slices = (_counter(turn, cpu, n, most_a_s=rate) for n, rate in ((1, 2**29), (2, 2**26), (3, 900)))
        lines.append(f"cpu{cpu} 0 0 0 0 0 0 {run} {wait} {slices}")
        lines += [
            f"domain{level} {mask} " + " ".join(str(_spread(cpu, level, n)) for n in range(36)) for level in range(3)
        ]
    return "\n".join(lines) + "\n"


def _softnet(turn: int) -> str:
    lines = []
    for cpu in range(CPUS):
        row = [
            _counter(turn, cpu, 11, most_a_s=900) % 2**32,
            0,
            _spread(cpu) % 9,
            *[0] * 6,
            _spread(cpu) % 999,
            0,
            0,
            cpu,
            0,
            0,
        ]
        lines.append(" ".join(f"{value:08x}" for value in row))
    return "\n".join(lines) + "\n"


def _net_dev(turn: int) -> str:
    lines = (FIXTURE / "proc/1/net/dev").read_text().splitlines()[:2]
    for number, name in enumerate(("lo", "eth0", "eth1", *(f"veth{_spread(n):08x}" for n in range(LINKS)))):
        busy = number < 40  # pods that nobody speaks to are usual
        moved = [_counter(turn if busy else 0, number, way, most_a_s=rate) for way in (1, 2) for rate in (2**21, 2**11)]
        received, sent = moved[:2], moved[2:]
        row = [*received, 0, _spread(number) % 3, 0, 0, 0, 0, *sent, 0, 0, 0, 0, 0, 0]
        lines.append(f"{name:>6}: " + " ".join(f"{value:7}" for value in row))
    return "\n".join(lines) + "\n"


def _diskstats(turn: int) -> str:
    lines = []
    for disk in range(DISKS):
        for part, suffix in enumerate(("", "p1", "p2")):
            row = [_counter(turn, disk, part, field, most_a_s=2**13) for field in range(11)]
            row[8] = _spread(disk, turn) % 30
            row += [
                *(_spread(disk, field) % 9_000 for field in range(4)),
                _spread(disk, 5) % 999,
                _spread(disk, 6) % 999,
            ]
            lines.append(f" 259 {disk * 4 + part:7} nvme{disk}n1{suffix} " + " ".join(map(str, row)))
    return "\n".join(lines) + "\n"


def _every_line(text: str, turn: int, *standing: str) -> str:
    """A recorded file of names and numbers, with the numbers of a large host; what is zero stays so."""
    lines = []
    for number, line in enumerate(text.splitlines()):
        name, value, *unit = line.split()
        moved = int(value) * 90 + _spread(number, turn) % 4000
        lines.append(
            " ".join([name, value if value == "0" or name.startswith(standing or ("\0",)) else str(moved), *unit])
        )
    return "\n".join(lines) + "\n"


def _pressure(turn: int) -> str:
    return "".join(
        f"{kind} avg10=0.02 avg60=0.10 avg300=0.08 total={_counter(turn, 5, most_a_s=9000)}\n"
        for kind in ("some", "full")
    )


def _standing() -> Files:
    yield from _mounts()
    yield "proc/mdstat", "Personalities : [raid1]\nunused devices: <none>\n"
    yield "proc/sys/kernel/domainname", "(none)\n"
    yield from _cpus()
    yield from _sensors()
    for disk in range(DISKS):
        yield from _disk(disk)
    for controller in range(8):
        folder = f"sys/devices/system/edac/mc/mc{controller}"
        for name in (
            "ce_count",
            "ce_noinfo_count",
            "ue_count",
            "ue_noinfo_count",
            "csrow0/ce_count",
            "csrow0/ue_count",
        ):
            yield f"{folder}/{name}", "0\n"


def _cpus() -> Files:
    folder = "sys/devices/system/cpu"
    for name, value in (("online", f"0-{CPUS - 1}"), ("present", f"0-{CPUS - 1}"), ("offline", ""), ("isolated", "")):
        yield f"{folder}/{name}", value + "\n"
    limits = {"cpuinfo_min_freq": 800_000, "cpuinfo_max_freq": 3_800_000}
    limits |= {"scaling_min_freq": 800_000, "scaling_max_freq": 3_800_000}
    words = {"scaling_driver": "intel_pstate", "scaling_governor": "performance"}
    words |= {"scaling_available_governors": "performance powersave", "scaling_setspeed": "<unsupported>"}
    words["cpuinfo_transition_latency"] = "0"
    for cpu in range(CPUS):
        here = f"{folder}/cpu{cpu}"
        for name, value in (limits | words | {"related_cpus": cpu}).items():
            yield f"{here}/cpufreq/{name}", f"{value}\n"
        yield f"{here}/topology/physical_package_id", f"{cpu % (2 * CORES) // CORES}\n"
        yield f"{here}/topology/core_id", f"{cpu % CORES}\n"
        yield f"{here}/thermal_throttle/core_throttle_count", f"{_spread(cpu % (2 * CORES)) % 3}\n"
        yield f"{here}/thermal_throttle/package_throttle_count", "7\n"


def _coretemp(package: int) -> str:
    return f"sys/devices/platform/coretemp.{package}/hwmon/hwmon{package}"


def _sensors() -> Files:
    for package in range(2):
        yield f"{_coretemp(package)}/name", "coretemp\n"
        for sensor in range(1, CORES + 2):
            label = f"Core {sensor - 2}" if sensor > 1 else f"Package id {package}"
            for name, value in (("label", label), ("max", "92000"), ("crit", "102000"), ("crit_alarm", "0")):
                yield f"{_coretemp(package)}/temp{sensor}_{name}", f"{value}\n"
        zone = f"sys/class/thermal/thermal_zone{package}"
        for name, value in (("type", "x86_pkg_temp"), ("policy", "step_wise"), ("temp", "61000")):
            yield f"{zone}/{name}", f"{value}\n"
    for cpu in range(CPUS):
        for name, value in (("type", "Processor"), ("max_state", "10"), ("cur_state", "0")):
            yield f"sys/class/thermal/cooling_device{cpu}/{name}", f"{value}\n"


def _disk(disk: int) -> Files:
    name = f"nvme{disk}"
    yield f"sys/block/{name}n1/queue/rotational", "0\n"
    words = {"address": f"0000:{disk:02x}:00.0", "cntlid": "1", "firmware_rev": "GDC5302Q", "state": "live"}
    words |= {"model": "SAMSUNG MZQL23T8HCLS-00A07", "serial": f"S64HNE0T{_spread(disk)}"}
    words |= {
        f"{name}n1/size": "7501476528",
        f"{name}n1/nuse": "812345678",
        f"{name}n1/queue/logical_block_size": "512",
    }
    for file, value in words.items():
        yield f"sys/class/nvme/{name}/{file}", f"{value}\n"
    properties = {
        "ID_MODEL": words["model"],
        "ID_SERIAL_SHORT": words["serial"],
        "ID_PATH": f"pci-{words['address']}-nvme-1",
    }
    properties |= {"ID_WWN": f"eui.{_spread(disk):016x}", "ID_REVISION": words["firmware_rev"]}
    yield f"udev/b259:{disk * 4}", "".join(f"E:{key}={value}\n" for key, value in properties.items())


def _mountpoints() -> Iterator[str]:
    yield from ("/", "/boot", "/run", "/run/user/1000")
    for disk in range(DISKS):
        yield f"/data/{disk:02}"
    for pod in range(PODS):
        name = f"{_spread(pod):08x}-{_spread(pod, 1):012x}"
        yield f"/var/lib/kubelet/pods/{name}/volumes/kubernetes.io~projected/kube-api-access"


def _mounts() -> Files:
    """Both of the kernel's lists: Debian's node_exporter reads the older one."""
    new, old = [], []
    for number, mountpoint in enumerate(_mountpoints()):
        fstype, device = "tmpfs", "tmpfs"
        if mountpoint.startswith("/data"):
            fstype, device = "xfs", f"/dev/nvme{number - 4}n1p1"
        elif mountpoint in ("/", "/boot"):
            fstype, device = "ext4", "/dev/nvme0n1p2"
        new.append(f"{number + 20} 1 259:{number} / {mountpoint} rw,relatime shared:{number} - {fstype} {device} rw\n")
        old.append(f"{device} {mountpoint} {fstype} rw,relatime 0 0\n")
    yield "proc/1/mountinfo", "".join(new)
    yield "proc/1/mounts", "".join(old)
