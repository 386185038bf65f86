"""Eight GPUs with two processes each, by the tests' fake NVML library: what a driver costs is in nobody's figure."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.agent.gpu.conftest import Control

COUNT = 8
SOURCE = Path(__file__).with_suffix(".c")
WORKER = "import sys; sys.stdin.read()"


@contextmanager
def fake_gpus(folder: Path) -> Iterator[tuple[Control, dict[str, str]]]:
    """The control of the GPUs, and the environment of who shall see them."""
    subprocess.run(
        ["gcc", "-O1", "-shared", "-fPIC", "-o", folder / "libnvidia-ml.so.1", SOURCE], check=True
    )  # fmt: skip
    control = Control(folder / "control", COUNT)
    workers = [subprocess.Popen([sys.executable, "-c", WORKER], stdin=subprocess.PIPE) for _ in range(2)]
    try:
        for gpu in range(COUNT):
            rows = [(worker.pid, 4 << 30, 40 // (n + 1), 0) for n, worker in enumerate(workers)]
            control.processes(gpu, *rows)
        yield control, {"LD_LIBRARY_PATH": str(folder), "TOCSIN_FAKE_NVML": str(folder / "control")}
    finally:
        for worker in workers:
            worker.communicate()
        control.close()
        os.unlink(folder / "control")
