"""Capture inside real servers: uvicorn with FastAPI, several workers, forks and kills."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tocsin_agent.capture.families import render
from tocsin_agent.capture.layout import OUTCOME
from tocsin_agent.capture.reader import Reader

pytestmark = pytest.mark.system
ROOT = Path(__file__).parents[3]
TRACE = "0af7651916cd43dd8448eb211c80319c"


def until(condition: Callable[[], object], limit_s: float = 15.0) -> object:
    """Poll until the condition holds; the last value is in the failure."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def outcomes(directory: Path) -> dict[tuple[str, str], int]:
    """Requests by route and outcome, over all workers."""
    names = ("ok", "client_error", "server_error", "cancelled")
    return {
        (key[3], name): cells[OUTCOME + index]
        for key, cells in Reader(str(directory)).read().series.items()
        for index, name in enumerate(names)
        if cells[OUTCOME + index]
    }


@contextmanager
def uvicorn(tmp_path: Path, endpoint: str, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A uvicorn on a free port of the loopback address, and its address."""
    environment = {
        **os.environ,
        "TOCSIN_ENDPOINT": endpoint,
        "TOCSIN_RUNTIME_DIR": str(tmp_path / "run"),
        "PYTHONPATH": str(ROOT),
    }
    log = tmp_path / "uvicorn.log"
    command = [sys.executable, "-m", "uvicorn", "tests.agent.capture.served:app", "--port", "0", *arguments]
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
    try:
        until(lambda: b"running on http" in log.read_bytes() and b"startup complete" in log.read_bytes())
        port = log.read_text().partition("running on http://127.0.0.1:")[2].split()[0]
        yield server, f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def test_a_fastapi_server_under_all_kinds_of_requests(tmp_path, sink):
    run = tmp_path / "run"
    with uvicorn(tmp_path, sink.url) as (_, address), httpx.Client(base_url=address) as client:
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        answers = [client.post(f"/predict/n{i}", json={"age": i}, headers=headers).json() for i in range(20)]
        assert {answer["trace"] for answer in answers} == {TRACE}
        assert len(client.get("/stream/30").content) == 30_000
        assert httpx.get(f"{address}/fail").status_code == 500  # uvicorn closes the connection after it
        assert client.get("/refuse").status_code == 422
        assert client.get("/nowhere").status_code == 404
        with client.stream("GET", "/stream/0") as response:
            next(response.iter_raw())
        expected = {
            ("/predict/{name}", "ok"): 20,
            ("/stream/{chunks}", "ok"): 1,
            ("/stream/{chunks}", "cancelled"): 1,
            ("/fail", "server_error"): 1,
            ("/refuse", "client_error"): 1,
            ("_other", "client_error"): 1,
        }
        until(lambda: outcomes(run) == expected)
        until(lambda: len(sink.rows()) == 20)
        assert sorted(sink.rows()) == sorted(answer["id"] for answer in answers)
        assert set(sink.rows("trace_id")) == {TRACE}
        assert all(latency > 0 for latency in sink.rows("latency_s"))
        text = render(Reader(str(run)).read())
        assert (
            b'tocsin_inference_time_to_first_byte_seconds_count{project="shop",model="credit",version="3"} 25\n' in text
        )
    assert outcomes(run) == expected
    assert [path.name for path in run.iterdir() if path.name != ".lock"] == ["folded"]


def test_two_workers_of_which_one_is_killed_lose_no_count(tmp_path, sink):
    run = tmp_path / "run"

    def total() -> int:
        return sum(outcomes(run).values())

    each_alone = httpx.Limits(max_keepalive_connections=0)  # a connection a request reaches both workers
    with uvicorn(tmp_path, sink.url, "--workers", "2") as (_, address), httpx.Client(limits=each_alone) as client:
        until(lambda: len(list(run.glob("*.tocsin"))) == 2)
        pids: set[int] = set()
        sent = 0
        while len(pids) < 2 or sent < 40:
            pids.add(client.post(f"{address}/predict/x", json={}).json()["pid"])
            sent += 1
            assert sent < 400
        until(lambda: total() == sent)
        os.kill(pids.pop(), signal.SIGKILL)
        until(lambda: total() == sent and (run / "folded").exists())
        # uvicorn replaces the worker; counts go on from where they were, never back.
        seen = [total()]
        for _ in range(20):
            answer = None
            while answer is None:
                try:
                    answer = client.post(f"{address}/predict/x", json={})
                except httpx.TransportError:
                    continue
            seen.append(total())
        until(lambda: total() >= sent + 20)
        assert seen == sorted(seen)
        assert len(list(run.glob("*.tocsin"))) <= 2
    assert len(sink.blocks) == len(set(sink.blocks))
    assert total() >= sent + 20
    assert [path.name for path in run.iterdir() if path.name != ".lock"] == ["folded"]


def child(code: str, tmp_path: Path, endpoint: str = "", **more: object) -> subprocess.CompletedProcess[str]:
    """Run a script with capture in a process of its own."""
    environment = {**os.environ, "TOCSIN_ENDPOINT": endpoint, "TOCSIN_RUNTIME_DIR": str(tmp_path / "run")}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=30, check=False, **more
    )


FORKS = """
import os, sys
from tocsin_agent.capture import Capture
capture = Capture(model="m")

@capture.watch()
def predict(): return 1

for n in range(10):
    predict(); capture.label(f"parent-before-{n}", n)
assert capture.flush(10)
for n in range(5):
    predict(); capture.label(f"parent-waiting-{n}", n)   # these wait while the process forks
pids = []
for number in range(3):
    pid = os.fork()
    if not pid:
        for n in range(7):
            predict(); capture.label(f"child-{number}-{n}", n)
        os._exit(0 if capture.flush(10) else 3)
    pids.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]
predict(); capture.label("parent-after", 1)
assert capture.flush(10)
"""


def test_a_fork_counts_and_sends_nothing_twice_and_loses_nothing(tmp_path, sink):
    done = child(FORKS, tmp_path, sink.url)
    assert done.returncode == 0, done.stderr
    assert sum(outcomes(tmp_path / "run").values()) == 10 + 5 + 3 * 7 + 1
    expected = [f"parent-before-{n}" for n in range(10)] + [f"parent-waiting-{n}" for n in range(5)] + ["parent-after"]
    expected += [f"child-{number}-{n}" for number in range(3) for n in range(7)]
    assert sorted(sink.rows()) == sorted(expected)
    assert len({producer for producer, _ in sink.blocks}) == 4


def test_what_was_folded_survives_a_kill_and_the_exit_sends_the_rest(tmp_path, sink):
    code = """
import os, signal
from tocsin_agent.capture import Capture
capture = Capture(model="m")
@capture.watch()
def predict(): return 1
for n in range(100): predict()
capture.flush(10)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert child(code, tmp_path).returncode == -signal.SIGKILL
    assert sum(outcomes(tmp_path / "run").values()) == 100
    code = "from tocsin_agent.capture import Capture\nCapture(model='m').label('at-exit', 1)"
    assert child(code, tmp_path, sink.url).returncode == 0
    assert sink.rows() == ["at-exit"]


def test_the_import_is_light_and_needs_no_third_party(tmp_path):
    code = """
import sys
before = set(sys.modules)
from tocsin_agent.capture import Capture
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""
    loaded = set(child(f"import sys; sys.path[:0] = {sys.path!r}\n{code}", tmp_path).stdout.split())
    assert (
        loaded & {"asyncio", "typing", "re", "logging", "json", "http", "socket", "ssl", "dataclasses", "inspect"}
        == set()
    )
    assert loaded - set(sys.stdlib_module_names) == {"tocsin_agent", "tocsin_schema"}
