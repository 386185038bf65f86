"""kill -9 while events come in: what was acknowledged, or tried again, is there after the restart, once."""

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tocsin_collector.journal import open_journal
from tocsin_schema.block import MEDIA_TYPE, Block, column, decode, encode

KILLS = 60
CLIENTS = 3
LIMIT_S = 50.0


class Collectors:
    """One collector after the other on the same data folder."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("forked_collector.py")
        command = [sys.executable, str(script), str(folder)]
        self._zygote = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.said: list[str] = []
        self.address: tuple[str, int] | None = None
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._zygote.stderr is not None
        for line in self._zygote.stderr:
            self.said.append(line)
            if line.startswith("tocsin_collector_listening address=http://"):
                host, _, port = line.rpartition("/")[2].strip().partition(":")
                self.address = (host, int(port))

    def start(self) -> psutil.Process:
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write("start\n")
        self._zygote.stdin.flush()
        return psutil.Process(int(self._zygote.stdout.readline()))

    def kill(self, process: psutil.Process) -> None:
        self.address = None
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not process.is_running(), "the killed collector to end")

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
    """Sends small batches, each again and again with the same ids until it is acknowledged."""

    def __init__(self, number: int, collectors: Collectors) -> None:
        self.number = number
        self.acknowledged: list[str] = []
        self.retries = 0
        self._collectors = collectors
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        sequence = 0
        while not self._stop.is_set():
            sequence += 1
            ids = [f"{self.number}-{sequence}-{row}" for row in range(1 + sequence % 7)]
            body, media_type = self._batch(ids, sequence)
            while not self._sent(body, media_type):
                self.retries += 1
            self.acknowledged += ids

    def _batch(self, ids: list[str], sequence: int) -> tuple[bytes, str]:
        if self.number == 0:  # one of them speaks JSON
            event = {"type": "prediction", "model": "credit", "prediction": "yes", "features": {"age": sequence}}
            events = [event | {"id": name} for name in ids]
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
            self._stop.wait(0.002)
            return False
        connection = http.client.HTTPConnection(*address, timeout=5)
        try:
            connection.request("POST", "/v1/events", body, {"content-type": media_type})
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()
        assert response.status < 500, answer
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


@pytest.fixture
def collectors(tmp_path: Path) -> Iterator[Collectors]:
    made = Collectors(tmp_path / "data")
    yield made
    made.close()


def counted(address: tuple[str, int], series: str) -> int:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    (line,) = [line for line in text.splitlines() if line.startswith(series)]
    return int(float(line.rpartition(" ")[2]))


@pytest.mark.system
@pytest.mark.timeout(120)
def test_sixty_kills_lose_nothing_and_double_nothing(collectors: Collectors, tmp_path: Path) -> None:
    pause = threading.Event()
    clients = [Client(number, collectors) for number in range(CLIENTS)]
    process = None
    try:
        for kill in range(KILLS):
            before = acknowledged(clients)
            process = collectors.start()
            if kill % 5:  # every fifth one dies somewhere in its start, the others while events come in
                wait_until(lambda before=before: acknowledged(clients) > before, "a collector to take events")
                pause.wait(random.random() * 0.1)
            else:
                pause.wait(random.random() * 0.3)
            collectors.kill(process)
        process = collectors.start()
        wait_until(lambda: collectors.address is not None, "the last collector to listen")
        for client in clients:
            client.finish()
        total = counted(collectors.address, "tocsin_predictions_total{")
        accepted = counted(collectors.address, 'tocsin_events_accepted_total{type="prediction"}')
    finally:
        for client in clients:
            client._stop.set()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                collectors.kill(process)
    journal = open_journal(tmp_path / "data" / "journal")
    stored = Counter(name for _, _, payload in journal.replay() for name in decode(payload).columns["id"].to_list())
    damage = journal.damage
    journal.close()
    confirmed = [name for client in clients for name in client.acknowledged]
    assert damage == []
    assert stored == Counter(confirmed)
    assert total == accepted == len(confirmed)
    assert max(stored.values()) == 1
    assert len(confirmed) > 10 * KILLS
    assert sum(client.retries for client in clients) > KILLS
    print(f"{KILLS} kills, {len(confirmed)} events acknowledged, each stored once")
