"""A running exporter that a bench asks and weighs: the agent, or one of its peers."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

AGENT = [sys.executable, "-m", "tocsin_agent", "run", "--listen", "{}"]

IDENTITY = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "identity"}
PROMETHEUS_3 = {
    "Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "Accept-Encoding": "gzip",
}
ENCODINGS = {"identity": IDENTITY, "gzip": PROMETHEUS_3}


class Target:
    """A process that answers ``/metrics``."""

    def __init__(self, process: subprocess.Popen[bytes], connection: http.client.HTTPConnection) -> None:
        self.pid = process.pid
        self.connection = connection

    def cpu_ms(self) -> float:
        """CPU of the whole process since its start, ended threads too; clock id as in clock_getcpuclockid(3)."""
        return time.clock_gettime((~self.pid << 3) | 2) * 1000

    def scrape(self, headers: Mapping[str, str] = IDENTITY) -> bytes:
        """One scrape over the kept connection."""
        self.connection.request("GET", "/metrics", headers=dict(headers))
        response = self.connection.getresponse()
        body = response.read()
        assert response.status == 200
        return body

    def memory_kib(self, field: str = "Rss") -> int:
        """Rss or Pss now."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            (found,) = re.findall(rf"^{field}: +(\d+) kB", file.read(), re.MULTILINE)
        return int(found)


def plain(port: int) -> http.client.HTTPConnection:
    """A connection without encryption."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=20)


@contextmanager
def running(
    command: list[str],
    environ: Mapping[str, str] | None = None,
    *,
    stderr: IO[bytes] | int = subprocess.DEVNULL,
    end: int = signal.SIGTERM,
    connect: Callable[[int], http.client.HTTPConnection] = plain,
) -> Iterator[Target]:
    """An exporter on a free port, ready; ended at the end.

    ``{}`` in the command becomes its address, ``{port}`` its port.
    """
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    arguments = [word.replace("{}", f"127.0.0.1:{port}").replace("{port}", str(port)) for word in command]
    process = subprocess.Popen(
        arguments, stderr=stderr, stdin=subprocess.DEVNULL, env={**os.environ, **(environ or {})}
    )
    target = Target(process, connect(port))
    try:
        _wait_until_ready(target, process)
        yield target
    finally:
        target.connection.close()
        process.send_signal(end)
        process.wait(10)


def _wait_until_ready(target: Target, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while not _answers(target):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args!r} does not answer; its exit status is {process.poll()}")
        time.sleep(0.02)


def _answers(target: Target) -> bool:
    try:
        target.scrape()
    except OSError:
        target.connection.close()
        return False
    return True


@contextmanager
def served(module: str, *arguments: str) -> Iterator[int]:
    """A server of a bench's own in a process of its own: ``serve`` of the module, which prints its port first."""
    command = [sys.executable, "-c", f"from {module} import serve; serve(*{arguments!r})"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)
