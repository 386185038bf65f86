"""CPU and memory of importing what judges a model: profile, drift and quality, in a process of their own, beside the
same interpreter with numpy alone, which is most of it.

With bytecode, as an installer leaves it: a Python that may not write any (PYTHONDONTWRITEBYTECODE) compiles numpy and
all else at each start and needs three times as much. The bytecode is written aside, by a first run that does not count.
"""

import os
import statistics
import subprocess
import sys
import tempfile

from tests.bench.measure import Measure

RUNS = 9
MODULES = {"core": "from tocsin_collector import drift, profile, quality", "numpy": "import numpy"}
TELL = "import resource, time; print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"


def run() -> list[Measure]:
    """Medians of nine processes each, in turns."""
    found: dict[str, list[list[float]]] = {name: [] for name in MODULES}
    with tempfile.TemporaryDirectory() as bytecode:
        for turn in range(RUNS + 1):
            for name, work in MODULES.items():
                told = _python(f"{work}; {TELL}", bytecode)
                if turn:
                    found[name].append(list(map(float, told.split())))
    medians = {name: [statistics.median(column) for column in zip(*runs, strict=True)] for name, runs in found.items()}
    (seconds, size), (numpy_s, numpy_size) = medians["core"], medians["numpy"]
    detail = {"runs": RUNS, "python_with_numpy_s": numpy_s, "python_with_numpy_mib": numpy_size}
    return [
        Measure("collector-import-cpu", seconds, 0.25, 1.0, "s", detail, against="limit"),
        Measure("collector-import-memory", size, 40.0, 1.0, "MiB", detail, against="limit"),
        Measure("collector-import-over-numpy", seconds, numpy_s, 2.0, "s", detail, against="numpy"),
    ]


def _python(script: str, bytecode: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | {"PYTHONPYCACHEPREFIX": bytecode}
    return subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, check=True, text=True, env=environment
    ).stdout
