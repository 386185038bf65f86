"""The peer of the agent's bench: Debian's prometheus-node-exporter, unpacked into the cache without root."""

import os
import re
import subprocess

from tests.servers.debian import unpacked

PACKAGE = "prometheus-node-exporter"

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


def version(path: str) -> str:
    """The peer's version and its compiler's."""
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    found = re.findall(r"version,? ([^ ,]+)|go version: +(\S+)", done.stdout + done.stderr)
    return " ".join(name or compiler for name, compiler in found)
