"""What ten looks a second at the host cost: the agent, a loop over psutil, and node_exporter scraped as often.

CPU is that of the whole process, its CPU clock, in stretches in which all of them run at once. Nobody scrapes the
agent meanwhile: its looks need nobody. A scraper of node_exporter pays for itself what it costs; that is left out.
"""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from tests.bench.measure import Measure
from tests.bench.target import AGENT, Target, running
from tests.servers import node_exporter

STRETCHES, STRETCH_S, HZ = 7, 4.0, 10
PSUTIL_GOAL, EXPORTER_GOAL = 0.5, 0.1

# Rates of CPU, memory, each network device and each disk, and the highest of the last minute, as one would write it.
LOOP = f"""
import time, collections, psutil
windows = collections.defaultdict(lambda: collections.deque(maxlen={HZ} * 60))
last, last_cpu, at, due = {{}}, None, None, time.monotonic()
while True:
    now = time.monotonic()
    cpu = psutil.cpu_times()
    if last_cpu:
        total, idle = sum(cpu[:8]) - sum(last_cpu[:8]), cpu.idle + cpu.iowait - last_cpu.idle - last_cpu.iowait
        if total:
            windows["cpu"].append(1 - idle / total)
    memory = psutil.virtual_memory()
    windows["memory"].append(1 - memory.available / memory.total)
    counts = {{}}
    for name, io in psutil.net_io_counters(pernic=True).items():
        counts[name, "received"], counts[name, "sent"] = io.bytes_recv, io.bytes_sent
    for name, io in psutil.disk_io_counters(perdisk=True).items():
        counts[name, "read"], counts[name, "written"] = io.read_bytes, io.write_bytes
        counts[name, "busy"] = io.busy_time
    for key, count in counts.items():
        if key in last:
            windows[key].append((count - last[key]) / (now - at))
    last, last_cpu, at = counts, cpu, now
    due += 1 / {HZ}
    time.sleep(max(due - time.monotonic(), 0))
"""


@contextmanager
def looping() -> Iterator[subprocess.Popen[bytes]]:
    """The loop as a process; ended at the end."""
    process = subprocess.Popen([sys.executable, "-c", LOOP])
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def cpu_ms(pid: int) -> float:
    """CPU of a whole process since its start; clock id as in clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2) * 1000


def stretch(pids: tuple[int, ...], exporter: Target) -> list[float]:
    """Milliseconds of CPU a second of each, while node_exporter is scraped ten times a second."""
    before, began = [cpu_ms(pid) for pid in pids], time.monotonic()
    for beat in range(int(STRETCH_S * HZ)):
        time.sleep(max(began + beat / HZ - time.monotonic(), 0))
        exporter.scrape()
    passed_s = time.monotonic() - began
    return [(cpu_ms(pid) - start) / passed_s for pid, start in zip(pids, before, strict=True)]


def run() -> list[Measure]:
    """All three at once; medians over stretches."""
    ((version, program), *_) = node_exporter.programs().items()
    agent_command = [*AGENT, "--sample-hz", str(HZ)]
    peer_command = [program, *node_exporter.FLAGS, "--web.listen-address={}"]
    with running(agent_command) as agent, running(peer_command) as exporter, looping() as loop:
        pids = agent.pid, loop.pid, exporter.pid
        stretch(pids, exporter)
        ours, psutils, exporters = map(
            statistics.median, zip(*[stretch(pids, exporter) for _ in range(STRETCHES)], strict=True)
        )
        looks = [line for line in agent.scrape().splitlines() if line.startswith(b"tocsin_sampling_looks_total")]
    detail: dict[str, Any] = {"python": platform.python_version(), "looks": int(looks[0].split()[1]), "hz": HZ}
    return [
        Measure(
            "agent-sampling-psutil",
            ours,
            psutils,
            PSUTIL_GOAL,
            "ms/s",
            detail | {"peer": f"psutil {psutil.__version__}"},
        ),
        Measure("agent-sampling-exporter", ours, exporters, EXPORTER_GOAL, "ms/s", detail | {"peer": version}),
    ]
