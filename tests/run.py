"""``python -m tests.run``: every test, the fast ones first; what cannot run here is counted by its reason."""

import os
import subprocess
import sys
import time

SLOW = "system or browser or reports"
STAGES = (("unit", f"not ({SLOW})"), ("real processes, browser, reports", SLOW))


def run(title: str, marks: str) -> int:
    """Run one stage; its exit code (5 when it has no tests, which is a failure too)."""
    print(f"== {title}", flush=True)
    start = time.monotonic()
    workers = str(min(4, os.cpu_count() or 1))
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal", "-r", "fEs", "-m", marks]
    code = subprocess.run(command, check=False).returncode
    print(f"== {title}: {time.monotonic() - start:.0f} s", flush=True)
    return code


def main() -> int:
    """Run all stages, also after a failed one, so that one run tells everything."""
    codes = [run(title, marks) for title, marks in STAGES]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
