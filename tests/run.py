"""``python -m tests.run``: every test, the fast ones first; what cannot run here is counted by its reason.

A few failures are run once more, alone and with the same seeds, as CPython's own regrtest does: a test of real
processes can fail for want of time beside eight others. What passes then is named as unsteady; a fault fails again.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time

SLOW = "system or browser or reports"
CORES = min(4, os.cpu_count() or 1)
AGAIN = 3
"""More failures than that are no accident."""


def run(title: str, marks: str, workers: int) -> int:
    """Run one stage; its exit code (5 when it has no tests, which is a failure too)."""
    print(f"== {title}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tocsin-failed-") as failed:
        seed = random.randrange(2**32)
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-r", "fEs", "--durations", "12", "-m", marks),
            *(f"--randomly-seed={seed}", f"--hypothesis-seed={seed}"),
            *("-o", f"cache_dir={failed}"),
        ]
        spread = [
            *("-n", str(workers)),
            *("--dist", "loadfile"),  # servers are started once a file
            "--no-loadscope-reorder",  # the files with the longest tests first (tests/conftest.py), not with the most
        ]
        code = subprocess.run([*command, *spread], check=False).returncode
        if code == 1 and (names := failures(failed)) and len(names) <= AGAIN:
            print(f"== once more, alone: {', '.join(names)}", flush=True)
            code = subprocess.run([*command, "--last-failed"], check=False).returncode
            print(f"== {'unsteady' if code == 0 else 'failed twice'}: {', '.join(names)}", flush=True)
    print(f"== {title}: {time.monotonic() - start:.0f} s", flush=True)
    return code


def failures(cache: str) -> list[str]:
    """The tests that pytest wrote down as failed."""
    try:
        with open(os.path.join(cache, "v", "cache", "lastfailed"), encoding="utf-8") as found:
            return list(json.load(found))
    except FileNotFoundError:
        return []


def main() -> int:
    """Run all stages, also after a failed one, so that one run tells everything."""
    # A collector that compiles its modules at every start takes twice as long to be there.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    unit = run("unit", f"not ({SLOW} or slow)", CORES)
    # The others wait twice as long as they compute.
    return max(unit, run("real servers and processes, browser, reports", f"({SLOW}) and not slow", 2 * CORES + 1))


if __name__ == "__main__":
    sys.exit(main())
