"""A host whose counters follow what a test makes it do, in a time of its own."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.agent.conftest import configured

CPUS, MEMORY_KIB, SECTOR = 64, 1 << 24, 512


class FakeHost:
    """Files as the kernel has them; ``pass_time`` goes on at the levels that ``now`` has."""

    def __init__(self, root):
        self.values = configured(root)
        self.clock_s = 1000.0
        self.busy = self.memory = self.disk_busy = 0.0
        self.network = self.disk = self.watts = 0.0
        self._ticks = [0.0, 0.0]
        self._bytes = {}
        self._disk = [0.0, 0.0]
        self._joules = 0.0
        self._root, self._files = root, {}
        self.wires, self.drives = ["eth0"], ["sda"]
        self._write("sys/class/powercap/intel-rapl:0/name", "package-0\n")
        self.write()

    def clock(self):
        return self.clock_s

    def pass_time(self, passed_s):
        self.clock_s += passed_s
        self._ticks[0] += passed_s * 100 * CPUS * self.busy
        self._ticks[1] += passed_s * 100 * CPUS * (1 - self.busy)
        for name in self.wires:
            self._bytes[name] = self._bytes.get(name, 0.0) + passed_s * self.network
        self._disk[0] += passed_s * self.disk / SECTOR
        self._disk[1] += passed_s * 1000 * self.disk_busy
        self._joules += passed_s * self.watts

    def write(self):
        """What the kernel would show now."""
        busy, idle = map(int, self._ticks)
        self._write("proc/stat", f"cpu  {busy} 0 0 {idle} 0 0 0 0 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\n")
        available = int(MEMORY_KIB * (1 - self.memory))
        self._write("proc/meminfo", f"MemTotal: {MEMORY_KIB} kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n")
        for name in self.wires:
            for way in ("rx", "tx"):
                self._write(f"sys/class/net/{name}/statistics/{way}_bytes", f"{int(self._bytes.get(name, 0))}\n")
            self._write(f"sys/class/net/{name}/device/uevent", "")
        sectors, busy_ms = map(int, self._disk)
        for name in self.drives:
            self._write(f"sys/block/{name}/stat", f"1 0 {sectors} 0 1 0 {sectors} 0 0 {busy_ms} 0\n")
        self._write("sys/class/powercap/intel-rapl:0/energy_uj", f"{int(self._joules * 1e6)}\n")

    def _write(self, name, content):
        """In place: descriptors that are kept see it."""
        if name not in self._files:
            path = self._root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[name] = os.open(path, os.O_RDWR | os.O_CREAT)
        os.ftruncate(self._files[name], len(content))
        os.pwrite(self._files[name], content.encode(), 0)

    def forget(self, folder):
        """The files of a folder are gone."""
        shutil.rmtree(self._root / folder)
        for name in [name for name in self._files if name.startswith(f"{folder}/")]:
            os.close(self._files.pop(name))

    def close(self):
        for file in self._files.values():
            os.close(file)


@pytest.fixture
def fake_host(tmp_path) -> Iterator[FakeHost]:
    host = FakeHost(tmp_path)
    yield host
    host.close()


@pytest.fixture
def told(series) -> Callable[..., dict]:
    """The series of a source by name, and by name and device."""

    def read(source):
        found = series(source.read())
        return {(name, *dict(labels).values()) if labels else name: value for (name, labels), value in found.items()}

    return read
