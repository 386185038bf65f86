"""`tocsin up` as a person runs it, and what its terminal shows."""

import contextlib
import fcntl
import os
import re
import subprocess
import sys
import threading
import time

from tests.servers.cache import root


class Terminal:
    """The demo's output as it comes."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def wait(self, pattern, limit_s):
        limit = time.monotonic() + limit_s
        while time.monotonic() < limit:
            found = re.search(pattern, "".join(list(self.lines)))
            if found:
                return found
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.1)
        raise AssertionError(f"no {pattern!r} within {limit_s} s:\n" + "".join(self.lines))

    def close(self):
        self._reader.join(10)
        self.process.stdout.close()


def demo(days_per_second, *options, **environ):
    """The demo at a pace; windows follow event time at any."""
    return up("--demo", "--days-per-second", str(days_per_second), *options, **environ)


@contextlib.contextmanager
def up(*options, **environ):
    """`tocsin up`, once it listens. What a test leaves of it is ended."""
    command = [sys.executable, "-m", "tocsin_collector", "up", *options]
    os.makedirs(root(), exist_ok=True)
    with open(os.path.join(root(), ".demo.lock"), "w", encoding="utf-8") as lock:
        # Two that start at once would both find the default ports free.
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environ},
        )
        terminal = Terminal(process)
        with contextlib.suppress(AssertionError):  # whoever uses it finds out, with its words
            terminal.wait("Ctrl-C ends", 60)
    try:
        yield terminal
    finally:
        if process.poll() is None:
            process.terminate()  # in order: it removes its folder
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        terminal.close()
