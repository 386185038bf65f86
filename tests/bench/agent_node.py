"""A whole GPU node: the agent alone beside node_exporter and nvitop-exporter together, scraped every 15 s.

Eight GPUs of the fake NVML library with two processes each, so that a call costs nothing: it is the programs' own CPU.
All run at once for five times 30 s; the figure is the median, for 15 s. nvitop-exporter has an environment of its own.
"""

import platform
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path

from tests.bench.fake_gpus import COUNT, fake_gpus
from tests.bench.measure import Measure
from tests.bench.target import AGENT, PROMETHEUS_3, Target, running
from tests.servers import node_exporter

WINDOWS, SCRAPES, INTERVAL_S = 5, 2, 15.0
GOAL, OFTEN_GOAL = 1 / 40, 1 / 10
ENVIRONMENT = Path(__file__).parents[2] / ".venv-nvitop"
OFTEN = ["--sample-hz", "10"]


def nvitop() -> list[str]:
    """The command of the peer for GPUs."""
    program = ENVIRONMENT / "bin/nvitop-exporter"
    if not program.exists():
        raise FileNotFoundError(f"{program} is not there: make .venv-nvitop/.ready")
    return [str(program), "--bind-address", "127.0.0.1", "--port", "{port}"]


def version() -> str:
    """The version of nvitop-exporter."""
    (found,) = metadata.distributions(
        name="nvitop-exporter", path=[str(path) for path in ENVIRONMENT.glob("lib/python3*/site-packages")]
    )
    return f"nvitop-exporter {found.version}"


def samples_often() -> bool:
    """Whether the agent can sample everything ten times a second."""
    told = subprocess.run([*AGENT[:3], "--help"], stdout=subprocess.PIPE, check=True)
    return OFTEN[0].encode() in told.stdout


def window(sides: list[list[Target]]) -> list[float]:
    """The CPU of each side in two intervals with a scrape each."""
    before = [sum(target.cpu_ms() for target in side) for side in sides]
    began = time.monotonic()
    for number in range(1, SCRAPES + 1):
        for side in sides:
            for target in side:
                target.scrape(PROMETHEUS_3)
        time.sleep(max(0.0, began + number * INTERVAL_S - time.monotonic()))
    after = [sum(target.cpu_ms() for target in side) for side in sides]
    return [(now - then) / SCRAPES for now, then in zip(after, before, strict=True)]


def run() -> list[Measure]:
    """The agent at its defaults, and as it samples often, against the pair."""
    ((host, program), *_) = node_exporter.programs().items()
    goals = {"agent-node": GOAL} | ({"agent-node-10hz": OFTEN_GOAL} if samples_often() else {})
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        _, environ = stack.enter_context(fake_gpus(Path(folder)))
        commands = [[*AGENT, *words] for words in ([], OFTEN)[: len(goals)]]
        sides = [[stack.enter_context(running(command, environ))] for command in commands]
        pair = [program, *node_exporter.FLAGS, "--web.listen-address={}"], nvitop()
        sides.append([stack.enter_context(running(command, environ)) for command in pair])
        window(sides)
        windows = [window(sides) for _ in range(WINDOWS)]
        texts = [[target.scrape() for target in side] for side in sides]
    costs = [statistics.median(side) for side in zip(*windows, strict=True)]
    detail = {
        "peer": f"{host} + {version()}",
        "python": platform.python_version(),
        "gpus": COUNT,
        "windows_ms": [[round(cost, 2) for cost in side] for side in zip(*windows, strict=True)],
        "series": [sum(b"#" not in line[:1] for text in side for line in text.splitlines()) for side in texts],
    }
    return [
        Measure(name, cost, costs[-1], goal, "ms/15s", detail)
        for (name, goal), cost in zip(goals.items(), costs, strict=False)
    ]
