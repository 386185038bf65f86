"""A collector that is killed again and again, on a disk that fails, while clients send until they are acknowledged."""

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.servers.cache import lacking
from tocsin_collector.journal import open_journal
from tocsin_schema.block import MEDIA_TYPE, Block, column, decode, encode

HERE = Path(__file__).parent
CLIENTS = 3
LIMIT_S = 150.0
PAUSE_S = 0.01  # between two tries: the collector that starts needs the processor more
FAULTS = (
    "sound", "sync_fails", "sync_and_cut_fail", "disk_full", "torn_write", "dies_before_sync", "dies_after_sync",
)  # fmt: skip
"""As ``disk_faults.c`` numbers them."""
DEADLY = FAULTS[4:]


class Outcome(NamedTuple):
    """What a collector's lives came to. Nothing may be lost, and nothing may be there twice."""

    kills: int
    """Of the lives, those that did not end in order."""
    acknowledged: int
    lost: int
    doubled: int
    miscounted: int
    retries: int
    broken: Counter[str]


def outlive(
    folder: Path,
    lives: int,
    rows: Callable[[int], int],
    seed: int,
    events_a_life: int = 0,
    *,
    store: str = "segments",
    faults: Sequence[str] = FAULTS,
) -> Outcome:
    """Let a collector live and be killed so many times, with one fault of its disk after the other, and see what is
    left.

    ``rows`` gives the number of events of a client's n-th batch. A life that its disk does not end takes at least
    ``events_a_life``.
    """
    rng = random.Random(seed)
    disk = Disk(folder)
    collectors = Collectors(folder / "data", disk, store)
    clients = [Client(number, collectors, rows) for number in range(CLIENTS)]
    process = None
    try:
        for life in range(lives):
            process = _one_life(collectors, clients, disk, rng, life, events_a_life, faults)
        disk.plan("sound")
        process = collectors.start()
        wait_until(lambda: collectors.address is not None, "the last collector to listen")
        for client in clients:
            client.finish()
        predictions = counted(collectors.address, "tocsin_predictions_total{")
        accepted, labels = (
            counted(collectors.address, f'tocsin_events_accepted_total{{type="{kind}"}}')
            for kind in ("prediction", "label")
        )
        watched = rows_watched(collectors.address)
    finally:
        for client in clients:
            client.stop()
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                collectors.end(process, signal.SIGKILL)
        collectors.close()
    journal = open_journal(folder / "data" / "journal")
    blocks = (decode(payload) for _, _, payload in journal.replay())
    stored = Counter((block.type, name) for block in blocks for name in block.columns["id"].to_list())
    assert journal.damage == []
    assert (folder / "data" / "journal" / "snapshot").exists()
    journal.close()
    confirmed = Counter(event for client in clients for event in client.acknowledged)
    of = Counter(kind for kind, _ in confirmed.elements())
    return Outcome(
        lives - sum(_ends_in_order(life, faults) for life in range(lives)),
        confirmed.total(),
        (confirmed - stored).total(),
        (stored - confirmed).total(),
        sum(abs(count - of["prediction"]) for count in (predictions, accepted, watched)) + abs(labels - of["label"]),
        sum(client.retries for client in clients),
        disk.broken,
    )


def _one_life(
    collectors: "Collectors",
    clients: "list[Client]",
    disk: "Disk",
    rng: random.Random,
    life: int,
    events: int,
    faults: Sequence[str],
) -> psutil.Process:
    """Start a collector and let it end: by its disk, at any moment, or in order now and then."""
    fault = faults[life % len(faults)]
    disk.plan(fault, after=rng.randrange(6), times=rng.randrange(1, 4))
    before = acknowledged(clients)
    process = collectors.start()
    if _ends_in_order(life, faults):
        wait_until(lambda: acknowledged(clients) > before + events, "a collector to take events")
        collectors.end(process, signal.SIGTERM)  # it leaves a snapshot, and the next ones start from that
    elif fault == "sound":
        time.sleep(rng.random() * 0.5)  # not a wait for anything: the moment of its death is what is drawn
    else:
        wait_until(disk.has_broken, f"the fault {fault}")
        before = acknowledged(clients)
        if fault not in DEADLY:
            wait_until(lambda: acknowledged(clients) > before + events, "the collector to go on")
    disk.note()
    collectors.end(process, signal.SIGKILL)
    return process


def _ends_in_order(life: int, faults: Sequence[str]) -> bool:
    """Every other life on a sound disk."""
    return faults[life % len(faults)] == "sound" and life % 2 == 1


class Disk:
    """The plan of the faults, in the file that the preloaded library maps."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            lacking("a C compiler is not on this machine")
        library, self._plan = folder / "disk_faults.so", folder / "plan"
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "disk_faults.c")]
        subprocess.run(command, check=True)
        self._plan.write_bytes(bytes(16))
        self.environ = {"LD_PRELOAD": str(library), "DISK_FAULTS": str(self._plan)}
        self.broken: Counter[str] = Counter()
        self._fault = "sound"

    def plan(self, fault: str, after: int = 0, times: int = 0) -> None:
        """What breaks in the next life: after so many sound commits, so many calls."""
        self._fault = fault
        with self._plan.open("r+b") as file:
            file.write(struct.pack("<4I", FAULTS.index(fault), after, times if fault != "sound" else 0, 0))

    def has_broken(self) -> bool:
        """Whether the fault has come."""
        return struct.unpack("<4I", self._plan.read_bytes())[3] > 0

    def note(self) -> None:
        """Count the fault of this life, if it came."""
        self.broken[self._fault] += self.has_broken()


class Collectors:
    """One collector after the other on the same data folder."""

    def __init__(self, folder: Path, disk: Disk, store: str) -> None:
        command = [sys.executable, str(HERE / "forked_collector.py"), str(folder), store]
        self._zygote = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | disk.environ,
        )
        self.address: tuple[str, int] | None = None
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._zygote.stderr is not None
        for line in self._zygote.stderr:
            if line.startswith("tocsin_collector_listening address=http://"):
                host, _, port = line.rpartition("/")[2].strip().partition(":")
                self.address = (host, int(port))

    def start(self) -> psutil.Process:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write("start\n")
        self._zygote.stdin.flush()
        return psutil.Process(int(self._zygote.stdout.readline()))

    def end(self, process: psutil.Process, by: signal.Signals) -> None:
        self.address = None
        with contextlib.suppress(ProcessLookupError):  # its disk may have killed it already
            os.kill(process.pid, by)
        wait_until(lambda: not process.is_running(), "the collector to end")

    def close(self) -> None:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        assert self._zygote.stderr is not None
        self._zygote.stdin.close()
        self._zygote.wait(10)
        self._reader.join(10)
        self._zygote.stdout.close()
        self._zygote.stderr.close()


class Client:
    """Sends batches, each again and again with the same ids until it is acknowledged; ``acknowledged`` has the type and
    id of each event."""

    def __init__(self, number: int, collectors: Collectors, rows: Callable[[int], int]) -> None:
        self.number = number
        self.acknowledged: list[tuple[str, object]] = []
        self.retries = 0
        self._rows = rows
        self._collectors = collectors
        self._stop = threading.Event()
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Leave the batch that is under way, too."""
        self._stop.set()
        self._leave.set()

    def finish(self) -> None:
        """End once the batch that is under way is acknowledged."""
        self._stop.set()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        sequence = 0
        while not self._stop.is_set():
            sequence += 1
            ids = [f"{self.number}-{sequence}-{row}" for row in range(self._rows(sequence))]
            body, media_type = self._batch(ids, sequence)
            while not self._sent(body, media_type):
                if self._leave.is_set():
                    return
                self.retries += 1
            types = ("prediction", "label") if self.number == 0 else ("prediction",)
            self.acknowledged += [(kind, name) for kind in types for name in ids]

    def _batch(self, ids: list[str], sequence: int) -> tuple[bytes, str]:
        if self.number == 0:  # one of them speaks JSON, and knows the truth at once
            event = {"type": "prediction", "model": "credit", "prediction": "yes", "features": {"age": sequence}}
            label = {"type": "label", "model": "credit", "label": "no"}
            events = [some | {"id": name} for some in (label, event) for name in ids]
            return json.dumps(events).encode(), "application/json"
        columns = [
            column("time", [int(time.time() * 1e6)] * len(ids), "time"),
            column("id", ids, "str"),
            column("feature.age", [sequence] * len(ids)),
            column("prediction", ["yes"] * len(ids), "dict"),
        ]
        block = Block(
            "prediction",
            project="default",
            model="credit",
            version="",
            rows=len(ids),
            producer=f"{self.number:032x}",
            sequence=sequence,
            columns={item.name: item for item in columns},
        )
        return encode(block), MEDIA_TYPE

    def _sent(self, body: bytes, media_type: str) -> bool:
        address = self._collectors.address
        if address is None:
            self._leave.wait(PAUSE_S)
            return False
        connection = http.client.HTTPConnection(*address, timeout=30)
        try:
            connection.request("POST", "/v1/events", body, {"content-type": media_type})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self._leave.wait(PAUSE_S)
            return False
        finally:
            connection.close()
        if response.status in (503, 507):
            assert response.headers["retry-after"], answer
            self._leave.wait(PAUSE_S)
            return False
        assert response.status == 200, answer
        assert answer["rejected_count"] == 0, answer
        return True


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        pause.wait(0.002)


def acknowledged(clients: list[Client]) -> int:
    return sum(len(client.acknowledged) for client in clients)


def fetched(address: tuple[str, int], path: str) -> bytes:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def rows_watched(address: tuple[str, int] | None) -> int:
    """The rows that the windows were given."""
    assert address is not None
    return sum(model["rows_total"] for model in json.loads(fetched(address, "/v1/models"))["models"])


def counted(address: tuple[str, int] | None, series: str) -> int:
    assert address is not None
    text = fetched(address, "/metrics").decode()
    (line,) = [line for line in text.splitlines() if line.startswith(series)]
    return int(float(line.rpartition(" ")[2]))
