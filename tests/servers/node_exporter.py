"""The peer of the agent's benches: Debian's prometheus-node-exporter, unpacked into the cache without root, and the
newest one, built there once from its Go module (1 to 4 minutes on two cores)."""

import os
import re
import shutil
import subprocess
import sys

from tests.servers.cache import Missing, kept, run
from tests.servers.debian import unpacked

PACKAGE = "prometheus-node-exporter"
MODULE, NEWEST = "github.com/prometheus/node_exporter", "1.12.1"

# The sources that the agent has by default, with upstream's filters instead of Debian's: both serve the same series.
COLLECTORS = (
    *("conntrack", "cpu", "cpufreq", "diskstats", "edac", "entropy", "filefd", "filesystem", "hwmon", "infiniband"),
    *("loadavg", "mdadm", "meminfo", "netdev", "netstat", "nfs", "nvme", "os", "pressure", "rapl", "schedstat"),
    *("sockstat", "softnet", "stat", "textfile", "thermal_zone", "time", "timex", "uname", "vmstat"),
)
FLAGS = (
    "--collector.disable-defaults",
    *(f"--collector.{name}" for name in COLLECTORS),
    r"--collector.diskstats.device-exclude=^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
    "--collector.netdev.device-exclude=",
    "--collector.filesystem.mount-points-exclude=^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+)($|/)",
    "--log.level=error",
)


def binary() -> str:
    """The path of the program, downloaded once. Raises Missing when this machine has no apt."""
    return os.path.join(unpacked(PACKAGE), "usr/bin", PACKAGE)


def newest() -> str:
    """The path of the newest release, built when it is not in the cache. Raises Missing without Go or its modules."""
    return os.path.join(kept(f"node_exporter-{NEWEST}", _build), "node_exporter")


def _build(folder: str) -> None:
    if shutil.which("go") is None:
        raise Missing(f"go is not on this machine; node_exporter {NEWEST} is built with it")
    # A module knows no version of itself.
    flags = f"-s -w -X github.com/prometheus/common/version.Version={NEWEST}"
    run(["nice", "go", "install", "-ldflags", flags, f"{MODULE}@v{NEWEST}"], folder, 1200, GOBIN=folder)


def programs() -> dict[str, str]:
    """Paths by name and version: the newest first, and Debian's. What this machine cannot have is told and left out."""
    found = {}
    for get in (newest, binary):
        try:
            path = get()
        except Missing as error:
            print(f"left out: {error}", file=sys.stderr)
        else:
            found[f"node_exporter {version(path)}"] = path
    return found


def version(path: str) -> str:
    """The peer's version and its compiler's."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    found = re.findall(r"version,? ([^ ,]+)|go version: +(\S+)", done.stdout + done.stderr)
    return " ".join(name or compiler for name, compiler in found)
