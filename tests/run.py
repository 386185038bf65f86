"""``python -m tests.run``: every test, the fast ones first; what cannot run here is counted by its reason."""

import os
import subprocess
import sys
import time

SLOW = "system or browser or reports"
# The second stage waits more than it computes: one worker more than cores keeps them busy.
STAGES = (("unit", f"not ({SLOW})", 0), ("real processes, browser, reports", SLOW, 1))


def run(title: str, marks: str, extra_workers: int) -> int:
    """Run one stage; its exit code (5 when it has no tests, which is a failure too)."""
    print(f"== {title}", flush=True)
    start = time.monotonic()
    workers = str(min(4, os.cpu_count() or 1) + extra_workers)
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal", "-r", "fEs", "-m", marks]
    code = subprocess.run(command, check=False).returncode
    print(f"== {title}: {time.monotonic() - start:.0f} s", flush=True)
    return code


def main() -> int:
    """Run all stages, also after a failed one, so that one run tells everything."""
    return max([run(*stage) for stage in STAGES])


if __name__ == "__main__":
    sys.exit(main())
