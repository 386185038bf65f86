"""A real systemd, booted in a container of its own: no network, no name on this machine, gone with the test."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.root import tool
from tests.servers.process import until


class Machine:
    """What runs; ``leader`` is the process that is its systemd."""

    def __init__(self, root: Path, leader: int) -> None:
        self.root = root
        self._enter = ["nsenter", "--target", str(leader), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"]

    def ask(self, command: str, folder: str = "/") -> subprocess.CompletedProcess[str]:
        """A shell command of its root; the caller looks at the exit code."""
        shell = ["sh", "-ec", f"cd {folder}; {command}"]
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run(
            [*self._enter, *shell], capture_output=True, text=True, timeout=60, env=environ, check=False
        )

    def run(self, command: str, folder: str = "/") -> str:
        """What the command says. Raises AssertionError when it fails."""
        done = self.ask(command, folder)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}{self.journal()}"
        return done.stdout

    def write(self, path: str, text: str) -> None:
        """A file, and the folders above it."""
        self.run(f"mkdir -p {os.path.dirname(path)}; cat > {path} <<'END'\n{text}\nEND\n")

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run(f"systemctl show {unit} --property {name} --value").strip()

    def get(self, url: str) -> str:
        """What an address answers, once something listens there."""
        return self.run(f"curl -sf --retry 40 --retry-delay 1 --retry-connrefused '{url}'")

    def metrics(self, port: int = 10300) -> str:
        """The text of /metrics."""
        return self.get(f"http://127.0.0.1:{port}/metrics")

    def journal(self) -> str:
        """The end of the journal."""
        return self.ask("journalctl --no-pager --lines 40").stdout


@contextlib.contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Boot the Debian in the folder ``root``."""
    name = f"tocsin-{os.getpid()}-{time.monotonic_ns() % 1_000_000}"
    command = [
        # A test run that is killed takes the container with it: this process, then its whole pid namespace.
        *("setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
        tool("systemd-nspawn", "systemd-container"),
        "--quiet",
        f"--directory={root}",
        f"--machine={name}",
        "--register=no",
        "--keep-unit",
        "--private-network",
        "--console=pipe",
        "--system-call-filter=adjtimex clock_adjtime clock_adjtime64",  # allowed to units of any real machine
        "--boot",
    ]
    with open(root.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        nspawn = int(str(until(lambda: _child(process.pid), "the container starts")))
        leader = int(str(until(lambda: _systemd(nspawn), "the container has a systemd", 120)))
        machine = Machine(root, leader)
        states = ("running", "degraded")
        until(lambda: machine.ask("systemctl is-system-running").stdout.strip() in states, "systemd has booted", 240)
        yield machine
        os.kill(nspawn, signal.SIGTERM)  # shuts the machine down in order
        process.wait(30)
    finally:
        process.kill()
        process.wait(10)
        with contextlib.suppress(OSError):
            os.rmdir(f"/run/systemd/nspawn/propagate/{name}")


def _child(parent: int) -> int:
    try:
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            return int((file.read().split() or ["0"])[0])
    except OSError:
        return 0


def _systemd(nspawn: int) -> int:
    """The container's first process once it is systemd: nspawn has had other children, which made it and went."""
    child = _child(nspawn)
    try:
        with open(f"/proc/{child}/comm", encoding="utf-8") as file:
            return child if file.read().strip() == "systemd" else 0
    except OSError:
        return 0
