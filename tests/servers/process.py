"""One real server as a child process: on a free port, waited for, ended by its process id, gone with the test."""

import contextlib
import itertools
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping

PORTS_A_WORKER = 500
"""Below 32,768 in all: the kernel gives the ports above to whoever asks for any, also between a look and a bind."""


def _turns() -> Iterator[int]:
    """The ports of this pytest worker, each in its turn, from a place that two runs at a time seldom share."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 40
    first, start = 10_000 + worker * PORTS_A_WORKER, os.getpid()
    return (first + (start + turn) % PORTS_A_WORKER for turn in itertools.count())


_PORTS = _turns()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds now, no other worker asks for and this one is not soon given again."""
    for port in itertools.islice(_PORTS, PORTS_A_WORKER):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("every port of this worker is taken")


def answers(url: str) -> bool:
    """Whether a GET brings a status below 500, whoever has signed the certificate."""
    context = ssl._create_unverified_context() if url.startswith("https:") else None
    try:
        with urllib.request.urlopen(url, timeout=2, context=context):
            return True
    except urllib.error.HTTPError as error:
        with error:
            return error.code < 500
    except OSError:
        return False


def until(condition: Callable[[], object], what: str, limit_s: float = 30, every_s: float = 0.05) -> object:
    """What the condition gives once it is true. Raises AssertionError that names ``what`` after the limit."""
    limit = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < limit, f"not within {limit_s:g} s: {what}"
        time.sleep(every_s)
    return found


class Server:
    """A server that runs: its address, and what a fault does to it."""

    def __init__(self, command: list[str], url: str, ready: str, log: str, environ: Mapping[str, str]) -> None:
        self.url = url
        self.log = log
        self._command = command
        self._ready = url + ready
        self._environ = {**os.environ, **environ}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, limit_s: float = 60) -> None:
        """Start, and wait until it answers. Raises AssertionError with the end of its log when it does not."""
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                # A test run that is killed leaves no server behind.
                ["setpriv", "--pdeathsig", "KILL", *self._command],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._environ,
            )  # fmt: skip
        until(lambda: self._ended() or answers(self._ready), f"{self._ready} answers\n{self.said()}", limit_s)
        assert not self._ended(), f"{self._command[0]} ended at its start:\n{self.said()}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End it in order (SIGTERM), and by force when that takes more than 20 s."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """It hangs: connections are taken and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It goes on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def said(self) -> str:
        """The end of its log."""
        with contextlib.suppress(OSError), open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()[-4_000:]
        return ""

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        self._process = None


@contextlib.contextmanager
def serving(
    command: list[str], url: str, *, ready: str, log: str, environ: Mapping[str, str] | None = None, limit_s: float = 60
) -> Iterator[Server]:
    """A server that has answered ``GET url + ready`` and is gone at the end; ``log`` is the file of its messages."""
    server = Server(command, url, ready, log, environ or {})
    try:
        server.start(limit_s)
        yield server
    finally:
        server.kill()
