"""CPU and memory of importing what judges a model: profile, drift and quality, in a process of their own. The
interpreter with numpy, which is most of it, stands in the detail."""

import statistics
import subprocess
import sys

from tests.bench.measure import Measure

RUNS = 5
SCRIPT = """
import resource, time
import numpy
bare = time.process_time()
from tocsin_collector import drift, profile, quality
print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, bare)
"""


def run() -> list[Measure]:
    """Medians of five processes."""
    found = [
        list(
            map(
                float, subprocess.run([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, check=True).stdout.split()
            )
        )
        for _ in range(RUNS)
    ]
    seconds, size, numpy_alone = (statistics.median(column) for column in zip(*found, strict=True))
    detail = {"runs": RUNS, "python_with_numpy_s": numpy_alone}
    return [
        Measure("collector-import-cpu", seconds, 0.25, 1.0, "s", detail, against="limit"),
        Measure("collector-import-memory", size, 40.0, 1.0, "MiB", detail, against="limit"),
    ]
