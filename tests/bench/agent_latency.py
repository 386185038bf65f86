"""How long a scrape takes: the agent beside node_exporter with the same collectors, and with what is broken on a node.

Time on the clock of the one who asks, over kept connections, the sides in turn. The last two agents stand in a
namespace of their own with eight fake GPUs: of one of them a GPU hangs, and a mount's server does not answer.
"""

import ctypes
import os
import platform
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.bench.fake_gpus import fake_gpus
from tests.bench.measure import Measure
from tests.bench.target import AGENT, IDENTITY, Target, running
from tests.servers import node_exporter

SCRAPES, WARM_UP = 1000, 50
MEDIAN_GOAL, P99_GOAL, MOVE_GOAL = 0.15, 0.5, 1.1
NAMESPACE = ["unshare", "--map-root-user", "--user", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
FOREVER_MS = 1 << 40


def mounted(path: str, *, hangs: bool, command: list[str]) -> None:
    """In a namespace of its own: mount something, which hangs or does not, and become the command."""
    libc = ctypes.CDLL(None, use_errno=True)
    source, fstype, options = "tmpfs", "tmpfs", "size=4k"
    if hangs:
        # Who has the other end of it never answers: the command, which knows nothing of the descriptor.
        fuse = os.open("/dev/fuse", os.O_RDWR)
        os.set_inheritable(fuse, True)
        source, fstype, options = "filer", "fuse.filer", f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(source.encode(), path.encode(), fstype.encode(), 6, options.encode()):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)
    os.execv(command[0], command)


def timed(targets: list[Target], scrapes: int) -> list[list[float]]:
    """The milliseconds of each scrape of each side."""
    found: list[list[float]] = [[] for _ in targets]
    for _ in range(scrapes):
        for times, target in zip(found, targets, strict=True):
            began = time.perf_counter()
            target.scrape(IDENTITY)
            times.append((time.perf_counter() - began) * 1000)
    return found


def run() -> list[Measure]:
    """All at once, in turn."""
    ((version, program), *_) = node_exporter.programs().items()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        broken, well = Path(name) / "broken", Path(name) / "well"
        for folder in (broken, well):
            (folder / "mount").mkdir(parents=True)
        commands: list[tuple[list[str], dict[str, str]]] = [
            (AGENT, {}),
            ([program, *node_exporter.FLAGS, "--web.listen-address={}"], {}),
        ]
        for folder in (well, broken):
            control, environ = stack.enter_context(fake_gpus(folder))
            mount = [sys.executable, "-m", "tests.bench.agent_latency", f"{folder}/mount", folder.name]
            commands.append(([*NAMESPACE, *mount, *AGENT], environ))
        # unshare heeds no SIGTERM, and takes the agent with it.
        ends = [signal.SIGTERM, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL]
        started = zip(commands, ends, strict=True)
        targets = [stack.enter_context(running(command, environ, end=end)) for (command, environ), end in started]
        time.sleep(5)
        control.set(3, hang=FOREVER_MS)
        time.sleep(5)
        timed(targets, WARM_UP)
        told = targets[3].scrape()
        assert b'tocsin_gpu_up{gpu="3"' in told
        assert b'/mount",fstype="fuse.filer",device_error=' in told
        times = timed(targets, SCRAPES)
        control.set(3, hang=0)
    medians = [statistics.median(side) for side in times]
    p99s = [statistics.quantiles(side, n=100)[98] for side in times]
    about = {"peer": version, "python": platform.python_version(), "scrapes": SCRAPES}
    return [
        Measure("agent-latency-p50", medians[0], medians[1], MEDIAN_GOAL, "ms", about),
        Measure("agent-latency-p99", p99s[0], p99s[1], P99_GOAL, "ms", about),
        Measure("agent-latency-p99-broken", p99s[3], p99s[2], MOVE_GOAL, "ms", about | {"peer": "the same, unbroken"}),
    ]


if __name__ == "__main__":
    mounted(sys.argv[1], hangs=sys.argv[2] == "broken", command=sys.argv[3:])
