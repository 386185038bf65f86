"""The peer of the agent's bench: Debian's prometheus-node-exporter, unpacked into the cache without root."""

import glob
import os
import re
import subprocess

PACKAGE = "prometheus-node-exporter"

# The sources that the agent has by default, with upstream's filters instead of Debian's: both serve the same series.
COLLECTORS = ("cpu", "loadavg", "meminfo", "vmstat", "diskstats", "filesystem", "netdev", "pressure", "stat")
FLAGS = (
    "--collector.disable-defaults",
    *(f"--collector.{name}" for name in COLLECTORS),
    r"--collector.diskstats.device-exclude=^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
    "--collector.netdev.device-exclude=",
    "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+)($|/)",
    "--log.level=error",
)


def binary() -> str:
    """The path of the program, downloaded once. Raises RuntimeError when this machine has no apt."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(cache, "tocsin", PACKAGE)
    path = os.path.join(folder, "usr/bin", PACKAGE)
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        _run(["apt-get", "download", PACKAGE], folder)
        (package,) = glob.glob(os.path.join(folder, "*.deb"))
        _run(["dpkg-deb", "-x", package, folder], folder)
    return path


def version(path: str) -> str:
    """The peer's version and its compiler's."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    found = re.findall(r"version,? ([^ ,]+)|go version: +(\S+)", done.stdout + done.stderr)
    return " ".join(name or compiler for name, compiler in found)


def _run(command: list[str], folder: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        raise RuntimeError(f"{' '.join(command)} failed: {reason.strip()}; this bench needs Debian or Ubuntu") from None
