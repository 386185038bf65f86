"""What a start of the installed agent costs: CPU until its first scrape is answered, modules, and ``--help``.

The agent runs as the unit file starts it, with the shipped configuration file. ``--help`` is the command that an
installer makes, beside a Python that does nothing: as bare as it can be (``-I -S``), and as that command starts it.
"""

import os
import platform
import re
import resource
import statistics
import subprocess
import tempfile
from pathlib import Path

from tests.bench.installed import CONFIG, installed
from tests.bench.measure import Measure
from tests.bench.target import running
from tests.servers import node_exporter

STARTS, HELPS = 9, 25
CPU_LIMIT_MS, MODULES_LIMIT, HELP_GOAL = 60.0, 70, 1.3

COUNTING = """
import sys
from tocsin_agent.__main__ import main
main()
print("modules", *sorted(sys.modules), file=sys.stderr)
"""


def first_scrape_ms(command: list[str]) -> float:
    """CPU of a process from its start to the first answer."""
    with running(command) as target:
        return target.cpu_ms()


def child_ms(command: list[str]) -> float:
    """CPU of a command that ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def modules(python: str) -> list[str]:
    """What is loaded in an agent that has answered a scrape."""
    with tempfile.TemporaryFile() as told:
        command = [python, "-I", "-S", "-c", f"import sys; sys.path.append({packages(python)!r})" + COUNTING]
        with running([*command, "run", "--config", str(CONFIG), "--listen", "{}"], stderr=told):
            pass
        told.seek(0)
        (found,) = re.findall(rb"^modules (.+)$", told.read(), re.MULTILINE)
    return found.decode().split()


def packages(python: str) -> str:
    """Where the environment of a Python has its packages."""
    (found,) = Path(python).parents[1].glob("lib/python3*/site-packages")
    return str(found)


def run() -> list[Measure]:
    """Starts that alternate; medians."""
    peers = node_exporter.programs()
    with tempfile.TemporaryDirectory() as folder, installed(Path(folder) / "agent") as commands:
        agent, python = os.fspath(commands / "tocsin-agent"), os.fspath(commands / "python")
        run_agent = [agent, "run", "--config", str(CONFIG), "--listen", "{}"]
        programs = {"tocsin": run_agent} | {
            name: [path, *node_exporter.FLAGS, "--web.listen-address={}"] for name, path in peers.items()
        }
        starts: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(STARTS):
            for name, command in programs.items():
                starts[name].append(first_scrape_ms(command))
        loaded = modules(python)
        helps = {"help": [agent, "--help"], "bare": [python, "-I", "-S", "-c", "pass"], "plain": [python, "-c", "pass"]}
        costs: dict[str, list[float]] = {name: [] for name in helps}
        for _ in range(HELPS):
            for name, command in helps.items():
                costs[name].append(child_ms(command))
    median = {name: statistics.median(found) for name, found in (starts | costs).items()}
    about = {"python": platform.python_version(), "starts": STARTS}
    start = about | {"quickest_ms": round(min(starts["tocsin"]), 1)} | {name: round(median[name], 1) for name in peers}
    ours = [name for name in loaded if name.startswith("tocsin_")]
    count = {"of_the_library": len(loaded) - len(ours), "ours": len(ours), "loaded": loaded}
    return [
        Measure("agent-start-cpu", median["tocsin"], CPU_LIMIT_MS, 1, "ms", start, "limit"),
        Measure("agent-start-modules", len(loaded), MODULES_LIMIT, 1, "", count, "limit"),
        Measure(
            "agent-help", median["help"], median["bare"], HELP_GOAL, "ms", about | {"peer": "python -I -S -c pass"}
        ),
        Measure(
            "agent-help-plain", median["help"], median["plain"], HELP_GOAL, "ms", about | {"peer": "python -c pass"}
        ),
    ]
