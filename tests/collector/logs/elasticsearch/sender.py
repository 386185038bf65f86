"""A sender of log records that has nothing but what it was told: it sends again what was not acknowledged."""

import http.client
import json
import threading
import urllib.parse
from collections import Counter


class Sender:
    """Sends small batches one after the other, each until it is acknowledged.

    ``acknowledged`` are the names of the records, which are their messages and ids; ``refusals`` counts by status.
    """

    def __init__(self, number: int, url: str, dataset: str = "outage") -> None:
        self.acknowledged: list[str] = []
        self.refusals: Counter[int] = Counter()
        self._number = number
        self._dataset = dataset
        self._address = urllib.parse.urlsplit(url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        turn = 0
        while not self._stop.is_set():
            turn += 1
            names = [f"{self._number}-{turn}-{row}" for row in range(20)]
            rows = [{"message": name, "event.id": name, "event.dataset": self._dataset} for name in names]
            body = "\n".join(map(json.dumps, rows)).encode()
            while not self._sent(body):
                self._stop.wait(0.05)
            self.acknowledged += names
            self._stop.wait(0.02)

    def _sent(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=20)
        try:
            connection.request("POST", "/v1/logs", body)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.refusals[0] += 1
            return False
        finally:
            connection.close()
        if answer.status == 200:
            assert told["accepted"] + told["duplicate"] == 20
            return True
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        self.refusals[503] += 1
        return False
