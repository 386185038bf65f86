"""A fake NVML library, the file that steers it, and a child process that samples it through the real source."""

import mmap
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.cache import lacking

HERE = Path(__file__).parent
HEADER = ("loads", "init_ret", "init_hang", "count", "init_calls", "shutdown_calls", "free_ret", "register_ret")
DEVICE = (
    "ret", "hang", "unsupported", "utilization", "memory_total", "memory_used", "power_mw", "limit_mw", "energy_mj",
    "temperature", "corrected", "uncorrected", "xid", "xid_count", "calls", "identity", "bar1_total", "bar1_used",
    "encoder", "decoder", "limit_default_mw", "limit_lowest_mw", "limit_highest_mw", "throttle",
    "sram_corrected", "sram_uncorrected",
)  # fmt: skip
FUNCTIONS = re.findall(
    r'"(nvml\w+)"', (HERE / "fake_nvml.c").read_text().split("functions[FUNCTIONS]")[1].split("}")[0]
)
ARRAYS = {
    "counted": 64,
    "field": 320,
    "clock": 4,
    "clock_max": 4,
    "threshold": 8,
    "samples": 2,
    "process": 4 * 32,
    "ring": 480,
    "mig": 1,
    "instance": 7 * 7,
    "process_instance": 32,
    "gpm": 1,
    "share": 17 * 16,
    "fabric": 4,
    "margin": 1,
}
"""What a device has many of, behind the fields above."""
DEVICES = 8
SIZE = len(DEVICE) + sum(ARRAYS.values())
TAIL = ("module", "sets")
"""Behind the devices; then the faults of single functions, by device, the last of what concerns no device."""
MOST_FUNCTIONS = 64
FAULT = 2 * MOST_FUNCTIONS + 2
GARBLED = {"name": 1, "uuid": 2, "version": 4}
WORDS = len(HEADER) + DEVICES * SIZE + len(TAIL) + (DEVICES + 1) * FAULT
HEALTHY = {
    "utilization": 40, "memory_total": 80 << 30, "memory_used": 20 << 30, "power_mw": 350_500, "limit_mw": 700_000,
    "energy_mj": 123_456_789, "temperature": 61, "corrected": 3, "uncorrected": 1,
    "bar1_total": 128 << 30, "bar1_used": 1 << 30, "encoder": 25, "decoder": 50, "limit_default_mw": 700_000,
    "limit_lowest_mw": 200_000, "limit_highest_mw": 750_000,
}  # fmt: skip
HEALTHY_ARRAYS = {
    "clock": {1: 1980, 2: 2619, 3: 1545},
    "clock_max": {1: 1980, 2: 2619, 3: 1545},
    "threshold": {0: 92, 1: 89, 2: 95, 3: 87},
    "field": {
        82: 70, 74: 2_500_000_000, 76: 0, 269: 0, 270: 1_000_000_000, 271: 0, 22: 3, 23: 1, 29: 0, 30: 0, 31: 0,
        142: 2, 143: 1, 144: 1, 145: 0, 94: 7, 173: 4, 179: 0, 180: 0, 197: 5 << 30, 198: 6 << 30, 138: 10 << 20,
        139: 20 << 20, 38: 0, 160: 0, 161: 5, 162: 1, 163: 2, 193: -8, 194: -2, 195: -4, 196: 0,
    },
    "mig": {0: 1},
    "gpm": {0: 1},
    "share": {
        number: 100 * percent + 1
        for number, percent in {2: 60, 3: 30, 5: 45, 6: 0, 7: 44, 9: 1, 10: 55, 11: 0, 12: 7, 13: 2}.items()
    },
    "fabric": {0: 3, 2: 7, 3: 0b10101010},
    "margin": {0: 1027},

}  # fmt: skip

CHILD = """
import sys
from tocsin_agent.httpd.request import Request
from tocsin_agent.sources.gpu import SOURCE
interval_s = float(sys.argv[1])
procfs, kmsg, pace, hz = sys.argv[2:6]
source = SOURCE(
    {
        "gpu.enabled": True, "gpu.interval_s": interval_s, "sampling.hz": float(hz), "procfs": procfs, "kmsg": kmsg,
    },
    pace=float(pace),
)
for command in sys.stdin:
    if command.startswith("POST "):
        path = command.split()[1]
        status, _, body = source.routes()[path](Request("POST", path, {}, "HTTP/1.1"))
        answer = f"{status} {body.decode()}"
    elif command == "threads\\n":
        import threading
        answer = "\\n".join(thread.name for thread in threading.enumerate())
    elif command == "modules\\n":
        answer = "\\n".join(sys.modules)
    else:
        answer = source.read().decode()
    print(answer, end="\\n\\0\\n", flush=True)
source.close()
"""


class Control:
    """The file that the fake library maps; ``set`` and ``get`` work while it runs."""

    def __init__(self, path, gpus):
        self.path = path
        path.write_bytes(bytes(8 * WORDS))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.set(loads=1, count=gpus)
        for gpu in range(DEVICES):
            self.set(gpu, **HEALTHY, identity=0xA0 + gpu)
            for array, values in HEALTHY_ARRAYS.items():
                for index, value in values.items():
                    self.put(gpu, array, index, value + (array == "field"))
            self.processes(gpu, (os.getpid(), 4 << 30, 40, 0))

    def _place(self, gpu, name):
        return 8 * (HEADER.index(name) if gpu is None else len(HEADER) + gpu * SIZE + DEVICE.index(name))

    def _in(self, gpu, array, index):
        names = list(ARRAYS)
        before = sum(ARRAYS[name] for name in names[: names.index(array)])
        return 8 * (len(HEADER) + gpu * SIZE + len(DEVICE) + before + index)

    def put(self, gpu, array, index, value):
        struct.pack_into("<Q", self._map, self._in(gpu, array, index), value % 2**64)

    def counted(self, gpu):
        """How often each NVML function was called on the GPU."""
        return {
            name: struct.unpack_from("<Q", self._map, self._in(gpu, "counted", index))[0]
            for index, name in enumerate(FUNCTIONS)
        }

    def set(self, gpu=None, **fields):
        for name, value in fields.items():
            struct.pack_into("<Q", self._map, self._place(gpu, name), value)

    def get(self, gpu, name):
        return struct.unpack_from("<Q", self._map, self._place(gpu, name))[0]

    def tail(self, name, value=None):
        place = 8 * (len(HEADER) + DEVICES * SIZE + TAIL.index(name))
        if value is not None:
            struct.pack_into("<Q", self._map, place, value)
        return struct.unpack_from("<Q", self._map, place)[0]

    def _fault(self, gpu, word, value):
        start = len(HEADER) + DEVICES * SIZE + len(TAIL) + (DEVICES if gpu is None else gpu) * FAULT
        struct.pack_into("<Q", self._map, 8 * (start + word), value)

    def fault(self, gpu, function, *, ret=0, hang=0):
        """Have one function fail or hang: of a GPU, or with None of those that concern no GPU."""
        self._fault(gpu, FUNCTIONS.index(function), ret)
        self._fault(gpu, MOST_FUNCTIONS + FUNCTIONS.index(function), hang)

    def garble(self, gpu, *texts):
        """Have these texts be none that can be read."""
        self._fault(gpu, 2 * MOST_FUNCTIONS, sum(GARBLED[text] for text in texts))

    def flap(self, gpu, calls):
        """Lose the GPU and find it again every so many calls."""
        self._fault(gpu, 2 * MOST_FUNCTIONS + 1, calls)

    def xid(self, gpu, number):
        self.set(gpu, xid=number, xid_count=self.get(gpu, "xid_count") + 1)

    def processes(self, gpu, *rows):
        """Processes of the GPU: pid, bytes, percent of its time, and the time of that in seconds (0: now)."""
        for index in range(32):
            row = rows[index] if index < len(rows) else (0, 0, 0, 0)
            for place, value in enumerate((*row[:3], int(row[3] * 1e6))):
                self.put(gpu, "process", 4 * index + place, value)

    def sample(self, gpu, kind, at_us, value):
        """One more in the driver's ring: of power in milliwatts (kind 0), of utilisation in percent (1)."""
        count = struct.unpack_from("<Q", self._map, self._in(gpu, "samples", kind))[0]
        place = 2 * (kind * 120 + count % 120)
        self.put(gpu, "ring", place, at_us)
        self.put(gpu, "ring", place + 1, value)
        self.put(gpu, "samples", kind, count + 1)

    def cut(self, gpu, *instances):
        """Cut the GPU: place, GPU instance, compute instance, slices, gigabytes, used bytes, NVML's code of each."""
        for place in range(7):
            self.put(gpu, "instance", 7 * place, 0)
        for place, *numbers in instances:
            for at, value in enumerate(numbers):
                self.put(gpu, "instance", 7 * place + 1 + at, value)
            self.put(gpu, "instance", 7 * place, 0xC0 + 16 * numbers[0] + numbers[1])
        self.put(gpu, "mig", 0, 2)

    def whole(self, gpu):
        """No longer cut."""
        self.put(gpu, "mig", 0, 1)

    def share(self, gpu, number, percent, instance=None):
        """What a part of the GPU, or of one of its GPU instances, does; None where it is not counted."""
        of = 0 if instance is None else instance + 1
        self.put(gpu, "share", 16 * of + number, 0 if percent is None else int(100 * percent) + 1)

    def close(self):
        self._map.close()


class Child:
    """A process with the real source; ``read`` gives its series by name and GPU. What it logs is in ``log``."""

    def __init__(self, library, control, interval_s, procfs="/proc", kmsg="", pace=None, hz=0):
        folder = control.path.parent
        self.devices, self.log = folder / "dev", folder / "log"
        self.devices.mkdir(exist_ok=True)
        environ = {
            **os.environ, "LD_LIBRARY_PATH": str(library), "TOCSIN_FAKE_NVML": str(control.path),
            "TOCSIN_FAKE_DEV": str(self.devices),
        }  # fmt: skip
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", CHILD, *map(str, (interval_s, procfs, kmsg, pace or interval_s, hz))],
                env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip

    @property
    def pid(self):
        return self._process.pid

    def held(self):
        """The device files that are open, as the kernel sees it."""
        folder = f"/proc/{self.pid}/fd"
        found = set()
        for fd in os.listdir(folder):
            try:
                target = os.readlink(f"{folder}/{fd}")
            except FileNotFoundError:
                continue
            if target.startswith(f"{self.devices}/"):
                found.add(target.removeprefix(f"{self.devices}/"))
        return found

    def post(self, path):
        """What an operator's request is answered, without a server in between."""
        status, _, said = self.ask(f"POST {path}").partition(" ")
        return int(status), said.strip()

    def ask(self, command="read"):
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        lines = iter(self._process.stdout.readline, "\0\n")
        return "".join(lines)[:-1]

    def read(self):
        """Value by (name, gpu) or (name, gpu, last label's value)."""
        found = {}
        for family in text_string_to_metric_families(self.ask()):
            for sample in family.samples:
                labels = {
                    name: value for name, value in sample.labels.items() if name not in ("uuid", "name", "driver")
                }
                found[(sample.name.removeprefix("tocsin_gpu_"), *labels.values())] = sample.value
        return found

    def until(self, condition, limit_s=10):
        """Read until the condition on the series holds; they are given back."""
        deadline = time.monotonic() + limit_s
        while not condition(series := self.read()):
            assert time.monotonic() < deadline, f"not reached in {limit_s} s: {series}"
            time.sleep(0.01)
        return series

    def close(self):
        started = time.monotonic()
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        return time.monotonic() - started


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Folders with the library of a new driver and of an old one."""
    if shutil.which("gcc") is None:
        lacking("no C compiler (gcc), so the fake NVML library cannot be built")
    folders = {}
    for name, flags in (("new", []), ("old", ["-DOLD_DRIVER"]), ("next", ["-DBUILD=2"])):
        folders[name] = tmp_path_factory.mktemp(f"nvml-{name}")
        target = folders[name] / "libnvidia-ml.so.1"
        subprocess.run(
            [
                "gcc",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-O1",
                "-shared",
                "-fPIC",
                *flags,
                "-o",
                target,
                HERE / "fake_nvml.c",
            ],
            check=True,
        )
    return folders


@pytest.fixture
def steered(tmp_path):
    """``steered(2)`` gives the control of two GPUs."""
    made = []

    def control(count):
        made.append(Control(tmp_path / "control", count))
        return made[-1]

    yield control
    for each in made:
        each.close()


@pytest.fixture
def gpus(compiled, steered):
    """``gpus(2)`` gives the control of two GPUs and a child that samples them every 20 ms."""
    made = []

    def start(count, *, driver="new", interval_s=0.02, procfs="/proc", kmsg="", hz=0, **fields):
        control = steered(count)
        if "module" in fields:
            control.tail("module", fields.pop("module"))
        control.set(**fields)
        made.append(Child(compiled.get(driver, driver), control, interval_s, procfs, kmsg, hz=hz))
        return control, made[-1]

    yield start
    for child in made:
        child.close()
