"""What a project at ten times its quota does to another one: its p99, and that nothing of it is lost.

One real collector in a process of its own, two projects with a key each, a quota for one. The polite one sends blocks
of 100 events, 50 a second, and waits for each acknowledgement, in phases: alone, twice; while the greedy one offers ten
times its quota from another process and does not care for Retry-After; while it offers no more than its quota, which is
its right; and, to tell what is the machine's doing, while it floods another collector on the same machine. A phase of a
flood begins half a second after its first 429, when the burst that a quota lends is over and worked off. What the
collector has counted at the end is what it acknowledged to the polite one.

A p99 on a shared machine is made by the machine's worst moments. So phases are short and many, a round has one of each
in an order of its own, and a p99 is of the requests of all rounds. How far chance moves a ratio of two is told twice:
by 90 % of the ratios when rounds are drawn anew (bootstrap, both phases of a round together); and by the ratio of the
two phases in which it was alone, which is 1 but for chance. What no machine blurs is the collector's CPU: it stands in
the detail, all of it in a phase over the polite one's requests.
"""

import contextlib
import http.client
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.bench.measure import Measure
from tests.servers.process import free_port, serving
from tocsin_collector.doors.caller import PREDICTIONS, READ
from tocsin_collector.doors.keys import make
from tocsin_schema.block import MEDIA_TYPE, Block, column, encode

ROUNDS = 16
PHASE_S = 2.0
SETTLED_S = 0.5
"""After the first answer: what of a burst was let in until then is still being worked off."""
DRAWS = 2_000
ROWS = 100
POLITE_HZ = 50.0
QUOTA = 2_000.0
EXCESS = 10
GOAL = 1.1
CONNECTIONS = 20
"""Of the greedy one: it does not wait for its own acknowledgements either."""

Times = NDArray[np.float64]


def run() -> list[Measure]:
    """The bar is the ratio of the polite one's p99s; what was refused and lost stands in the detail."""
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)]
        here, elsewhere = (stack.enter_context(_collector(folder)) for folder in folders)
        flood = Flood(here)
        phases: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "alone": contextlib.nullcontext,
            "alone again": contextlib.nullcontext,
            "within its quota": lambda: _offering(here, 1, until=200),
            "flood elsewhere": lambda: _offering(elsewhere, EXCESS, until=429),
            "flood": flood.offered,
        }
        sender = Polite(here)
        sender.phase()  # warms up
        spent = dict.fromkeys(phases, 0.0)
        rounds = [_round(here, sender, phases, random.Random(number), spent) for number in range(ROUNDS)]
        counted = _counted(here)
    taken = {name: np.array([one[name] for one in rounds]) for name in phases}
    others = [name for name in phases if name != "flood"]
    detail: dict[str, Any] = {
        "rounds": ROUNDS,
        "requests a phase and round": taken["flood"].shape[1],
        "quota_events_per_s": QUOTA,
        "polite_acknowledged": sender.acknowledged,
        "polite_counted": counted["polite"],
        "polite_refused": sender.refused,
        "greedy_accepted": counted["greedy"],
        "greedy_refused": counted["refused"],
        "greedy_offered_times_quota": flood.events / flood.seconds / QUOTA,
        "p99_ms": {name: round(_p99(found), 2) for name, found in taken.items()},
        "p50_ms": {name: round(float(np.median(found)), 2) for name, found in taken.items()},
        "cpu_ms_a_polite_request": {name: round(1e3 * spent[name] / found.size, 2) for name, found in taken.items()},
        "flood / other, 90 %": {name: _range(taken["flood"], taken[name]) for name in others},
        "alone again / alone, 90 %": _range(taken["alone again"], taken["alone"]),
    }
    assert sender.refused == 0, detail
    assert sender.acknowledged == counted["polite"], detail
    assert detail["greedy_offered_times_quota"] > 0.9 * EXCESS, detail
    print(json.dumps(detail), file=sys.stderr)
    ours, alone = _p99(taken["flood"]), _p99(np.stack([taken["alone"], taken["alone again"]]))
    return [
        Measure("quota", ours, alone, GOAL, "ms", detail, against="alone"),
        Measure("quota_excess", ours, _p99(taken["within its quota"]), GOAL, "ms", {}, against="within its quota"),
        Measure("quota_machine", ours, _p99(taken["flood elsewhere"]), GOAL, "ms", {}, against="flood elsewhere"),
    ]


def _round(
    at: "At",
    sender: "Polite",
    phases: dict[str, Callable[[], AbstractContextManager[None]]],
    draw: random.Random,
    spent_s: dict[str, float],
) -> dict[str, list[float]]:
    """The ms of each request, by phase; the collector's CPU of it is added to ``spent_s``."""
    found = {}
    for name in draw.sample(list(phases), len(phases)):
        with phases[name]():
            before_s = at.cpu_s()
            found[name] = sender.phase()
            spent_s[name] += at.cpu_s() - before_s
    return found


def _p99(found: Times) -> float:
    return float(np.quantile(found, 0.99))


def _range(ours: Times, other: Times) -> list[float]:
    """Where 90 % of the ratios of two p99s lie when rounds are drawn anew."""
    draws = np.random.default_rng(1).integers(0, len(ours), (DRAWS, len(ours)))
    ratios = [_p99(ours[rounds]) / _p99(other[rounds]) for rounds in draws]
    return [round(float(bound), 2) for bound in np.quantile(ratios, [0.05, 0.95])]


class Flood:
    """The greedy one at ten times its quota, and what it has offered in all."""

    def __init__(self, at: "At") -> None:
        self._at = at
        self.events = 0
        self.seconds = 0.0

    @contextlib.contextmanager
    def offered(self) -> Iterator[None]:
        """One phase of it."""
        with _offering(self._at, EXCESS, until=429):
            before, began = _counted(self._at), time.monotonic()
            yield
            self.seconds += time.monotonic() - began
            counted = _counted(self._at)
        self.events += sum(counted[what] - before[what] for what in ("greedy", "refused"))


class At(NamedTuple):
    """A collector: its port, and a key for each."""

    port: int
    polite: str
    greedy: str
    reader: str
    pid: int

    def cpu_s(self) -> float:
        """The CPU that it has used so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            ticks = file.read().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


class Polite:
    """Sends at its pace and remembers how long each acknowledgement took."""

    def __init__(self, at: At) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", at.port, timeout=60)
        self._headers = {"content-type": MEDIA_TYPE, "authorization": f"Bearer {at.polite}"}
        self._producer = os.urandom(16).hex()
        self._sequence = 0
        self.acknowledged = 0
        self.refused = 0

    def phase(self) -> list[float]:
        """How many ms each request of a phase took."""
        found = []
        self._connection.close()  # idle meanwhile, the collector may have ended it
        self._connection.connect()
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
        return found


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
        time.sleep(SETTLED_S)
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
    with serving(command, f"http://127.0.0.1:{port}", ready="/-/healthy", log=log, environ=environ) as server:
        yield At(port, polite, greedy, reader, server.pid)


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
