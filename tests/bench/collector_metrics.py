"""The collector's /metrics against prometheus_client: CPU of a scrape, and how long one holds the event loop.

Both show the same series of models with 20 features: each has its newest window's verdict, 166 series. The bars are for
writing 10,000 series: all new (every model has a new verdict), and 5 % changed (one in twenty models has). In the
detail is also the whole: before tocsin writes, it takes over the verdicts of windows that have closed since the last
scrape; before ``generate_latest`` writes, prometheus_client's children (kept, so that no label is looked up) are set.

The loop is watched in real uvicorn servers with 100,000 series: a task that does nothing runs between any two
callbacks, so the CPU that the loop's thread used since it ran last bounds what others waited for. Wall time is in the
detail; on a busy machine it is the scheduler's.
"""

import asyncio
import contextlib
import gzip
import http.client
import json
import random
import socket
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any, NamedTuple

from tests.bench.measure import Measure
from tests.bench.target import served
from tocsin_collector.export.budget import Budget
from tocsin_collector.export.form import FORMS
from tocsin_collector.export.metrics import Metrics
from tocsin_collector.export.models import Room, newest, totals, verdict, windows
from tocsin_collector.monitor.latency import Latency
from tocsin_collector.monitor.schema import Schema
from tocsin_collector.verdict import Distribution, FeatureVerdict, ModelKey, WindowVerdict

ROUNDS, TURN = 7, 5
ALL = Budget(100_000, 10_000_000)
FEATURES = [f"feature_{number}" for number in range(20)]
SERIES = 8 + 8 * len(FEATURES)
"""Of one model."""
NO_SHARES = Distribution((), (), ())


class Shown:
    """A model as /metrics sees it."""

    def __init__(self, number: int) -> None:
        self.key = ModelKey("bench", f"model_{number}", "3")
        self.judge = object()
        self.latency = Latency()
        self.verdicts_total = self.alarms_total = self.late_total = self.early_total = self.labels_total = 0
        self.schema = Schema()
        self.close()

    def close(self, share: float = 1.0) -> None:
        """Another window has closed; ``share`` of the features differ from the one before."""
        before = self.verdict.features if self.verdicts_total else {}
        self.verdicts_total += 1
        features = {name: _feature(name) if random.random() < share else before[name] for name in FEATURES}
        rows = random.randrange(1_000, 10_000)
        self.verdict = WindowVerdict(self.key, 0.0, 3600.0 * self.verdicts_total, 0, rows, features)

    def latest(self) -> WindowVerdict:
        """The newest verdict."""
        return self.verdict

    def latest_day(self) -> WindowVerdict | None:
        """None: the day's look has said nothing."""
        return None

    def latest_quality(self) -> None:
        """No labels."""


def _feature(name: str) -> FeatureVerdict:
    numbers = [random.random() for _ in range(8)]
    return FeatureVerdict(
        name, "number", "ks", 5_000, numbers[0], numbers[1], numbers[2], 0.0, numbers[3], numbers[4], numbers[5],
        NO_SHARES, (), numbers[6], numbers[7],
    )  # fmt: skip


def _metrics(models: list[Any]) -> Metrics:
    return Metrics(lambda: models, lambda: totals(models), ALL)


class Peer:
    """The same series in prometheus_client's hands."""

    def __init__(self, models: Iterable[Shown]) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge

        self.registry = CollectorRegistry()
        self._metrics: dict[str, Any] = {}
        self._children: dict[ModelKey, list[Any]] = {}
        for model in models:
            children = self._children[model.key] = []
            for name, labels, _ in samples(model):
                kind = Counter if name.endswith("_total") else Gauge
                if name not in self._metrics:
                    self._metrics[name] = kind(
                        name, "A metric of the catalogue.", tuple(labels), registry=self.registry
                    )
                children.append(self._metrics[name].labels(*labels.values()))
            self.set(model)
        folded = Gauge(
            "tocsin_series_folded", "A metric of the catalogue.", ("project", "reason"), registry=self.registry
        )
        for reason in ("model", "project"):
            folded.labels("bench", reason).set(0)

    def set(self, model: Shown) -> None:
        """A model's values as they are now."""
        for child, value in zip(self._children[model.key], values(model.verdict), strict=True):
            if hasattr(child, "set"):
                child.set(value)

    def text(self) -> bytes:
        """What a scrape brings."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)


def samples(model: Shown) -> list[Any]:
    """The series of a model one by one, in the order of its columns."""
    shown: Any = model
    found = newest(shown)
    assert found is not None
    columns = [*totals([shown]), *windows({model.key: found}), *verdict(shown, Room(SERIES), {})]
    return [sample for column in columns for sample in column.samples()]


def values(verdict: WindowVerdict) -> Iterator[float]:
    """The values in the order of the columns."""
    features = verdict.features.values()
    yield from (0, 0, 0, 0, 0, verdict.end_s, verdict.rows, 0)
    for name in (
        "score", "threshold", "missing_ratio", "new_ratio", "invalid_ratio", "missing_threshold", "new_threshold",
        "invalid_threshold",
    ):  # fmt: skip
        yield from [getattr(feature, name) for feature in features]


# --- CPU of a scrape --------------------------------------------------------------------------------------------------


def run() -> list[Measure]:
    """The three bars."""
    models = [Shown(number) for number in range(-(-10_000 // SERIES))]
    metrics, peer = _metrics(models), Peer(models)
    about = {"prometheus_client": version("prometheus_client"), "rounds": ROUNDS, "series": SERIES * len(models)}
    assert _lines(asyncio.run(_text(metrics))) == _lines(peer.text())
    few = round(len(models) / 20)
    found = [
        _measure("all-new", 1 / 25, _compare(models, metrics, peer, lambda: models, 1.0), about),
        _measure("5-percent", 1 / 200, _compare(models, metrics, peer, lambda: random.sample(models, few), 1.0), about),
    ]
    spread = _compare(models, metrics, peer, lambda: models, 0.05)
    found[-1].detail["ratio with 5 % of the features of every model changed"] = spread[0].written / spread[1].written
    return [*found, _longest_block()]


def _lines(text: bytes) -> dict[tuple[bytes, frozenset[bytes]], float]:
    """The values of a text's series, whatever their order, that of their labels, and their digits."""
    found = {}
    for line in text.splitlines():
        if not line.startswith(b"#") and b"_created" not in line:
            series, _, value = line.rpartition(b" ")
            name, _, labels = series.rstrip(b"}").partition(b"{")
            found[name, frozenset(labels.split(b","))] = float(value)
    return found


class Cost(NamedTuple):
    """Milliseconds of CPU: of writing what is known, and of taking over what has changed before."""

    written: float
    taken: float


def _compare(
    models: list[Shown], metrics: Metrics, peer: Peer, choose: Callable[[], list[Shown]], share: float
) -> tuple[Cost, Cost]:
    """What a scrape costs tocsin and prometheus_client, medians of the rounds.

    A round is ``TURN`` scrapes of one and then of the other, each after changes. The least of them counts: what else
    the machine does only adds, and the first pays for memory that the other has put out of the caches.
    """

    def peer_takes(changed: list[Shown]) -> None:
        for model in changed:
            peer.set(model)

    steps: list[tuple[Callable[[list[Shown]], object], Callable[[], object]]] = [
        (lambda _: loop.run_until_complete(metrics.refresh()), lambda: loop.run_until_complete(_write(metrics))),
        (peer_takes, peer.text),
    ]

    def cost(take: Callable[[list[Shown]], object], write: Callable[[], object]) -> Cost:
        changed = choose()
        for model in changed:
            model.close(share)
        times = [time.process_time()]
        take(changed)
        times.append(time.process_time())
        write()
        times.append(time.process_time())
        return Cost((times[2] - times[1]) * 1e3, (times[1] - times[0]) * 1e3)

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        rounds = [[min(cost(*each) for _ in range(TURN)) for each in steps] for _ in range(ROUNDS)]
        peer_takes(models)
        assert _lines(loop.run_until_complete(_text(metrics))) == _lines(peer.text())
    ours, theirs = (Cost(*map(statistics.median, zip(*costs, strict=True))) for costs in zip(*rounds, strict=True))
    return ours, theirs


async def _write(metrics: Metrics) -> None:
    """The pieces are taken one by one, as a server does."""
    async for _ in metrics.written(FORMS["text"]):
        pass


async def _text(metrics: Metrics) -> bytes:
    await metrics.refresh()
    return b"".join([piece async for piece in metrics.written(FORMS["text"])])


def _measure(name: str, goal: float, costs: tuple[Cost, Cost], detail: dict[str, Any]) -> Measure:
    """The bar is on the writing; the whole stands in the detail."""
    ours, theirs = costs
    whole = {"written": ours.written / theirs.written, "with the values taken over": sum(ours) / sum(theirs)}
    return Measure(f"collector-metrics-{name}", ours.written, theirs.written, goal, "ms", detail | {"ratios": whole})


# --- how long the loop is held ----------------------------------------------------------------------------------------

LIMIT_MS = 10.0
MANY = 100_000


def _longest_block() -> Measure:
    """The longest block of the loop of each round's scrapes, the median of the rounds; and prometheus_client's."""
    detail: dict[str, Any] = {"series": -(-MANY // SERIES) * SERIES}
    with served(__name__, "tocsin") as port:
        first = _round(port, "identity")
        rounds = {coding: [_round(port, coding) for _ in range(ROUNDS)] for coding in ("identity", "gzip")}
    with served(__name__, "peer") as port:
        peer = [_round(port, "identity") for _ in range(3)]
    detail["first scrape"] = first
    for coding, found in rounds.items():
        detail[coding] = {key: statistics.median(each[key] for each in found) for key in found[0]}
        detail[coding]["largest cpu_ms"] = max(each["cpu_ms"] for each in found)
    detail["prometheus_client"] = {key: statistics.median(each[key] for each in peer) for key in peer[0]}
    worst = max(detail[coding]["cpu_ms"] for coding in rounds)
    return Measure("collector-metrics-longest-block", worst, LIMIT_MS, 1.0, "ms", detail, against="limit")


def _round(port: int, coding: str) -> dict[str, float]:
    """All models get a new verdict; then one scrape while the loop is watched."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    _get(connection, "/renew")
    body = _get(connection, "/metrics", coding)
    text = gzip.decompress(body) if coding == "gzip" and body.startswith(b"\x1f\x8b") else body
    assert text.count(b"\ntocsin_feature") > MANY * 0.9
    found: dict[str, float] = json.loads(_get(connection, "/watched"))
    connection.close()
    return found


def _get(connection: http.client.HTTPConnection, path: str, coding: str = "identity") -> bytes:
    connection.request("GET", path, headers={"Accept-Encoding": coding})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (path, answer.status)
    return body


class Watch:
    """The longest time between two turns of a task that does nothing."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.cpu_s = self.wall_s = 0.0
        self._cpu, self._wall = time.thread_time(), time.perf_counter()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(0)
            cpu, wall = time.thread_time(), time.perf_counter()
            self.cpu_s, self.wall_s = max(self.cpu_s, cpu - self._cpu), max(self.wall_s, wall - self._wall)
            self._cpu, self._wall = cpu, wall


def serve(kind: str) -> None:
    """The server's process: prints its port, serves until SIGTERM."""
    import gc

    import uvicorn
    from fastapi import FastAPI
    from fastapi.responses import Response

    from tocsin_collector.export.routes import metrics_router

    models = [Shown(number) for number in range(-(-MANY // SERIES))]
    watch = Watch()

    @contextlib.asynccontextmanager
    async def watched(_: FastAPI) -> Any:
        task = asyncio.create_task(watch.run())
        yield
        task.cancel()

    app = FastAPI(lifespan=watched)
    peer = Peer(models) if kind == "peer" else None

    @app.get("/renew")
    async def renew() -> None:
        for model in models:
            model.close()
            if peer:
                peer.set(model)
        asyncio.get_running_loop().call_later(0.05, watch.reset)
        await asyncio.sleep(0.1)

    @app.get("/watched")
    async def longest() -> dict[str, float]:
        return {"cpu_ms": watch.cpu_s * 1e3, "wall_ms": watch.wall_s * 1e3}

    if peer:

        @app.get("/metrics")
        async def scrape() -> Response:
            return Response(peer.text())

    else:
        app.include_router(metrics_router(_metrics(models)))
    gc.freeze()  # as the collector does
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", ws="none")).run([listener])
