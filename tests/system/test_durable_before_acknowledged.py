"""No byte of an acknowledgement leaves before its fdatasync has returned, as the kernel saw it."""

import http.client
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers.cache import lacking
from tests.servers.process import until
from tests.system.syscalls import TRACE, Acknowledgement, acknowledgements

CLIENTS, REQUESTS = 24, 8
pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


def traced(folder: Path, program: list[str]) -> list[Acknowledgement]:
    """What a collector acknowledges to many clients at once; its calls are traced from its first to its last."""
    if shutil.which("strace") is None:
        lacking("strace is not on this machine")
    trace, log = folder / "trace", folder / "log"
    # -D: the collector is our child, and strace its grandchild that ends with it.
    command = [*TRACE, "-D", "-o", str(trace), sys.executable, *program, "collector"]
    command += ["--listen", "127.0.0.1:0", "--data", str(folder / "data")]
    with log.open("wb") as file, subprocess.Popen(command, stderr=file, stdin=subprocess.DEVNULL) as process:
        try:
            said = "tocsin_collector_listening address=http://"
            until(lambda: said in log.read_text() or process.poll() is not None, "the collector listens", 60)
            if "Operation not permitted" in log.read_text():
                lacking("strace may not trace here")
            address = log.read_text().partition(said)[2].split()[0]
            with ThreadPoolExecutor(CLIENTS) as clients:
                assert sum(clients.map(lambda client: send(address, client), range(CLIENTS))) == CLIENTS * REQUESTS
        finally:
            process.terminate()
    ended = re.compile(rf"^{process.pid} +\+\+\+ exited", re.MULTILINE)  # strace makes short numbers as wide as others
    until(lambda: ended.search(trace.read_text(errors="replace")), "the trace is written", 20)
    return acknowledgements(trace)


def send(address: str, client: int) -> int:
    """One client's events, one a request on one connection; how many were accepted."""
    accepted = 0
    connection = http.client.HTTPConnection(address, timeout=60)
    for request in range(REQUESTS):
        event = {"type": "prediction", "model": "credit", "id": f"event-{client}-{request}", "prediction": "yes"}
        connection.request("POST", "/v1/events", json.dumps(event), {"content-type": "application/json"})
        accepted += json.loads(connection.getresponse().read())["accepted"]
    connection.close()
    return accepted


def test_no_acknowledgement_leaves_before_its_fdatasync_has_returned(tmp_path: Path) -> None:
    found = traced(tmp_path, ["-m", "tocsin_collector"])
    assert len(found) == CLIENTS * REQUESTS
    assert (
        len({answer.position for answer in found}) >= REQUESTS
    )  # groups with a position each: a client waits for its answer
    assert [answer for answer in found if answer.position > answer.durable or answer.missing] == []


def test_nor_where_segments_are_databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_JOURNAL_STORE", "sqlite")
    found = traced(tmp_path, ["-m", "tocsin_collector"])
    assert len(found) == CLIENTS * REQUESTS
    assert {path.suffix for path in (tmp_path / "data" / "journal").glob("0*")} == {".sqlite"}
    assert [answer for answer in found if answer.missing] == []


def test_the_trace_finds_a_collector_that_answers_before_it_has_synced(tmp_path: Path) -> None:
    found = traced(tmp_path, [str(Path(__file__).with_name("late_sync_collector.py"))])
    assert any(answer.position > answer.durable for answer in found)
    assert any(answer.missing for answer in found)


def test_the_trace_finds_a_collector_that_answers_before_it_has_written(tmp_path: Path) -> None:
    """Its answers promise a position that is durable: only that of others."""
    found = traced(tmp_path, [str(Path(__file__).with_name("early_answer_collector.py"))])
    assert [answer for answer in found if answer.position > answer.durable] == []
    assert any(answer.missing for answer in found)
