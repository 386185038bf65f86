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

from tests.agent.gpu.conftest import Control
from tests.bench.fake_gpus import COUNT, fake_gpus
from tests.bench.measure import Measure
from tests.bench.target import AGENT, PROMETHEUS_3, Target, running
from tests.servers import node_exporter

WINDOWS, SCRAPES, INTERVAL_S = 5, 2, 15.0
GOAL, OFTEN_GOAL = 1 / 40, 1 / 10
CALLS_LIMIT = 15
"""NVML calls a GPU and second: docs/reference/nvml-calls.md."""
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


def calls(control: Control) -> int:
    """How many NVML calls there were on all GPUs; those that only the peer makes count as what stands in for them."""
    return sum(sum(control.counted(gpu).values()) for gpu in range(COUNT))


def run() -> list[Measure]:
    """The agent at its defaults, and as it samples often, against the pair."""
    ((host, program), *_) = node_exporter.programs().items()
    goals = {"agent-node": GOAL} | ({"agent-node-10hz": OFTEN_GOAL} if samples_often() else {})
    pair = [[program, *node_exporter.FLAGS, "--web.listen-address={}"], nvitop()]
    commands = [[[*AGENT, *words]] for words in ([], OFTEN)[: len(goals)]]
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        sides, controls = [], []
        for number, side in enumerate([*commands, pair]):
            folder = Path(name) / str(number)
            folder.mkdir()
            control, environ = stack.enter_context(fake_gpus(folder))
            controls.append(control)
            sides.append([stack.enter_context(running(command, environ)) for command in side])
        window(sides)
        before = [calls(control) for control in controls]
        windows = [window(sides) for _ in range(WINDOWS)]
        made = [calls(control) - start for control, start in zip(controls, before, strict=True)]
        texts = [[target.scrape() for target in side] for side in sides]
    seconds = WINDOWS * SCRAPES * INTERVAL_S
    often = [round(count / COUNT / seconds, 2) for count in made]
    costs = [statistics.median(side) for side in zip(*windows, strict=True)]
    detail = {
        "peer": f"{host} + {version()}",
        "python": platform.python_version(),
        "gpus": COUNT,
        "windows_ms": [[round(cost, 2) for cost in side] for side in zip(*windows, strict=True)],
        "series": [sum(b"#" not in line[:1] for text in side for line in text.splitlines()) for side in texts],
        "nvml_calls_a_gpu_and_second": often,
    }
    return [
        *[
            Measure(bar, cost, costs[-1], goal, "ms/15s", detail)
            for (bar, goal), cost in zip(goals.items(), costs, strict=False)
        ],
        Measure("agent-nvml-calls", often[0], CALLS_LIMIT, 1, "/GPU/s", {version(): often[-1]}, "limit"),
    ]
