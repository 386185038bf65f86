"""CPU and memory of importing what judges a model: profile, drift and quality, in a process of their own."""

import statistics
import subprocess
import sys

from tests.bench.measure import Measure

RUNS = 5
SCRIPT = """
import resource
from tocsin_collector import drift, profile, quality
told = resource.getrusage(resource.RUSAGE_SELF)
print(told.ru_utime + told.ru_stime, told.ru_maxrss / 1024)
"""


def run() -> list[Measure]:
    """Medians of five processes, the interpreter and numpy included."""
    found = [
        list(
            map(
                float, subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, check=True).stdout.split()
            )
        )
        for _ in range(RUNS)
    ]
    seconds, size = (statistics.median(column) for column in zip(*found, strict=True))
    return [
        Measure("collector-import-cpu", seconds, 0.25, 1.0, "s", {"runs": RUNS}, against="limit"),
        Measure("collector-import-memory", size, 40.0, 1.0, "MiB", {"runs": RUNS}, against="limit"),
    ]
