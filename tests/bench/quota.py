"""What a project at ten times its quota does to another one: its p99, and that nothing of it is lost.

One real collector in a process of its own, two projects with a key each, a quota for one. The polite one sends blocks
of 100 events, 50 a second, and waits for each acknowledgement: alone; while the greedy one offers ten times its quota
from another process and does not care for Retry-After; while it offers no more than its quota, which is its right; and,
to tell what is the machine's doing, while it floods another collector on the same machine. A phase of a flood begins
with its first 429, when the burst that a quota lends is over. Phases alternate; each gives one p99, the figures are
medians. What the collector has counted at the end is what it acknowledged to the polite one.
"""

import contextlib
import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.bench.measure import Measure
from tests.servers.process import free_port, serving
from tocsin_collector.doors.caller import PREDICTIONS, READ
from tocsin_collector.doors.keys import make
from tocsin_schema.block import MEDIA_TYPE, Block, column, encode

ROUNDS = 5
PHASE_S = 4.0
ROWS = 100
POLITE_HZ = 50.0
QUOTA = 2_000.0
EXCESS = 10
GOAL = 1.1
CONNECTIONS = 20
"""Of the greedy one: it does not wait for its own acknowledgements either."""


def run() -> list[Measure]:
    """The bar is the ratio of the polite one's p99s; what was refused and lost stands in the detail."""
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)]
        here, elsewhere = (stack.enter_context(_collector(folder)) for folder in folders)
        sender = Polite(here)
        sender.phase()  # warms up
        quiet, within, beside, crowded, offered, flooded_s = [], [], [], [], 0, 0.0
        for _ in range(ROUNDS):
            quiet.append(sender.phase())
            with _offering(here, 1, until=200):
                within.append(sender.phase())
            with _offering(elsewhere, EXCESS, until=429):
                beside.append(sender.phase())
            before, began = _counted(here), time.monotonic()
            with _offering(here, EXCESS, until=429):
                crowded.append(sender.phase())
            flooded_s += time.monotonic() - began
            counted = _counted(here)
            offered += sum(counted[what] - before[what] for what in ("greedy", "refused"))
    detail: dict[str, Any] = {
        "rounds": ROUNDS,
        "quota_events_per_s": QUOTA,
        "polite_acknowledged": sender.acknowledged,
        "polite_counted": counted["polite"],
        "polite_refused": sender.refused,
        "greedy_accepted": counted["greedy"],
        "greedy_refused": counted["refused"],
        "greedy_offered_times_quota": offered / flooded_s / QUOTA,
        **_told("quiet", quiet),
        **_told("within_its_quota", within),
        **_told("flood_of_another_collector", beside),
        **_told("crowded", crowded),
    }
    assert sender.refused == 0, detail
    assert sender.acknowledged == counted["polite"], detail
    assert detail["greedy_offered_times_quota"] > 0.9 * EXCESS, detail
    print(json.dumps(detail), file=sys.stderr)
    ours, alone, within_ms = (detail[f"p99_ms_{name}"] for name in ("crowded", "quiet", "within_its_quota"))
    return [
        Measure("quota", ours, alone, GOAL, "ms", detail, against="quiet"),
        Measure("quota_excess", ours, within_ms, GOAL, "ms", {}, against="within its quota"),
    ]


def _told(name: str, phases: list[tuple[float, float]]) -> dict[str, Any]:
    p99s, p50s = zip(*phases, strict=True)
    return {
        f"p99_ms_{name}": statistics.median(p99s),
        f"p50_ms_{name}": statistics.median(p50s),
        f"p99s_ms_{name}": [round(p99, 1) for p99 in p99s],
    }


class At(NamedTuple):
    """A collector: its port, and a key for each."""

    port: int
    polite: str
    greedy: str
    reader: str


class Polite:
    """Sends at its pace and remembers how long each acknowledgement took."""

    def __init__(self, at: At) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=60)
        self._headers = {"content-type": MEDIA_TYPE, "authorization": f"Bearer {at.polite}"}
        self._producer = os.urandom(16).hex()
        self._sequence = 0
        self.acknowledged = 0
        self.refused = 0

    def phase(self) -> tuple[float, float]:
        """p99 and p50 in ms of the requests of a phase."""
        found = []
        began = time.monotonic()
        for number in range(int(PHASE_S * POLITE_HZ)):
            time.sleep(max(0.0, began + number / POLITE_HZ - time.monotonic()))
            body = block("polite", self._sequence, self._producer)
            self._sequence += 1
            started = time.perf_counter()
            self._connection.request("POST", "/v1/events", body, self._headers)
            response = self._connection.getresponse()
            answer = json.loads(response.read())
            assert not answer["rejected"], answer
            found.append(1e3 * (time.perf_counter() - started))
            self.acknowledged += answer["accepted"]
            self.refused += response.status != 200
        found.sort()
        return found[int(0.99 * len(found))], found[len(found) // 2]


def offer(port: int, key: str, hz: float) -> None:
    """Blocks at a pace over many connections, whatever is answered, until this process is ended; tells each status
    when it comes for the first time."""
    producer, told = os.urandom(16).hex(), set[int]()

    def over(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"content-type": MEDIA_TYPE, "authorization": f"Bearer {key}"}
        began = time.monotonic()
        for sequence in itertools.count(number, CONNECTIONS):
            time.sleep(max(0.0, began + sequence / hz - time.monotonic()))
            connection.request("POST", "/v1/events", block("greedy", sequence, producer), headers)
            response = connection.getresponse()
            response.read()
            if response.status not in told:
                told.add(response.status)
                print(response.status, flush=True)

    for number in range(CONNECTIONS):
        threading.Thread(target=over, args=(number,)).start()


@contextlib.contextmanager
def _offering(at: At, times: int, until: int) -> Iterator[None]:
    """The greedy one at so many times its quota, from its first answer of a status on."""
    environ = os.environ | {"TOCSIN_BENCH_KEY": at.greedy}
    command = [sys.executable, "-m", "tests.bench.quota", str(at.port), str(times * QUOTA / ROWS)]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        assert f"{until}\n" in process.stdout, f"no answer {until}"
        yield
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@contextlib.contextmanager
def _collector(folder: str) -> Iterator[At]:
    port, keys = free_port(), os.path.join(folder, "keys.json")
    polite, greedy = (make(keys, (PREDICTIONS,), project, "", 0.0)[1] for project in ("polite", "greedy"))
    reader = make(keys, (READ,), None, "", 0.0)[1]
    environ = {"TOCSIN_LISTEN": f"127.0.0.1:{port}", "TOCSIN_QUOTA_PROJECTS": f"greedy events={QUOTA:g}"}
    command = [sys.executable, "-m", "tocsin_collector", "collector", "--data", folder]
    log = os.path.join(folder, "log")
    with serving(command, f"http://127.0.0.1:{port}", ready="/-/healthy", log=log, environ=environ):
        yield At(port, polite, greedy, reader)


def _counted(at: At) -> dict[str, int]:
    """Events accepted of either, and events refused, of the greedy one."""
    connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=60)
    connection.request("GET", "/metrics", headers={"authorization": f"Bearer {at.reader}"})
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    found = {"polite": 0, "greedy": 0, "refused": 0}
    for line in lines:
        series, _, value = line.rpartition(" ")
        if series.startswith("tocsin_predictions_total{"):
            found["polite" if 'project="polite"' in series else "greedy"] = int(float(value))
        if series.startswith("tocsin_requests_over_quota_total{"):
            found["refused"] = int(float(value)) * ROWS
    return found


_FEATURES = [f"feature.f{number}" for number in range(20)]
_COLUMNS = {name: column(name, [row / (1 + len(name)) for row in range(ROWS)]) for name in _FEATURES}


def block(project: str, sequence: int, producer: str) -> bytes:
    """100 events of 20 features, new ones each time."""
    columns = _COLUMNS | {
        "time": column("time", [1_795_000_000_000_000 + sequence] * ROWS, "time"),
        "id": column("id", [f"{producer}-{sequence}-{row}" for row in range(ROWS)], "str"),
        "prediction": column("prediction", ["yes"] * ROWS),
    }
    shared = {"project": project, "model": "m", "version": "1", "rows": ROWS, "producer": producer}
    return encode(Block("prediction", sequence=sequence, columns=columns, **shared))


if __name__ == "__main__":
    offer(int(sys.argv[1]), os.environ["TOCSIN_BENCH_KEY"], float(sys.argv[2]))
