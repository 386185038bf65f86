"""``python -m tests.run``: every test, the fast ones first; what cannot run here is counted by its reason."""

import os
import subprocess
import sys
import time

SLOW = "system or browser or reports"
CORES = min(4, os.cpu_count() or 1)


def run(title: str, marks: str, workers: int) -> int:
    """Run one stage; its exit code (5 when it has no tests, which is a failure too)."""
    print(f"== {title}", flush=True)
    start = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        str(workers),
        "--dist",
        "loadfile",  # servers are started once a file
        "--no-loadscope-reorder",  # the files with the longest tests first (tests/conftest.py), not those with the most
        "-r",
        "fEs",
        "-m",
        marks,
    ]
    code = subprocess.run(command, check=False).returncode
    print(f"== {title}: {time.monotonic() - start:.0f} s", flush=True)
    return code


def main() -> int:
    """Run all stages, also after a failed one, so that one run tells everything."""
    unit = run("unit", f"not ({SLOW} or slow)", CORES)
    # The others wait twice as long as they compute.
    return max(unit, run("real servers and processes, browser, reports", f"({SLOW}) and not slow", 2 * CORES + 1))


if __name__ == "__main__":
    sys.exit(main())
