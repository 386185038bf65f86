"""A small service with everything on it: a fleet scraped over HTTP, models with windows, logs, alarms that fire."""

import asyncio
import http.server
import itertools
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI

from tests.servers.process import free_port
from tocsin_collector.alarms import Alarms
from tocsin_collector.fleet import Fleet
from tocsin_collector.frame import category, number
from tocsin_collector.logs import LogStore, logs_router
from tocsin_collector.logs.record import record
from tocsin_collector.notifications import InboxView
from tocsin_collector.page.links import Links
from tocsin_collector.page.routes import page_router
from tocsin_collector.page.view import Sources
from tocsin_collector.quality import Labelled, Stakes, by_segment, outcome
from tocsin_collector.quality.scores import count
from tocsin_collector.quality.tally import pack
from tocsin_collector.servers import ServerView
from tocsin_collector.servers.seen import Remark
from tocsin_collector.verdict import (
    Distribution,
    FeatureSchema,
    FeatureVerdict,
    ModelKey,
    ModelView,
    QualityVerdict,
    SchemaChange,
    WindowVerdict,
)

DAY = 86_400
NEW_YORK_S = -5 * 3600
FIRST = 1_383_282_000.0  # 1 November 2013 in New York
FLIGHTS = ModelKey("demo", "flights", "2")
LE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Host:
    """An agent's exposition that grows with the time it is asked at."""

    def __init__(self, name: str, *, gpu: bool, serving: bool, seed: int) -> None:
        self.name, self.gpu, self.serving, self.seed = name, gpu, serving, seed
        self.now = 0.0

    def exposition(self) -> bytes:
        t, phase = self.now, self.seed
        load = 0.35 + 0.25 * np.sin(t / 90 + phase) + 0.05 * np.sin(t / 7)
        busy = 0.35 * t - 0.25 * 90 * np.cos(t / 90 + phase) - 0.05 * 7 * np.cos(t / 7)
        lines = [f'node_uname_info{{nodename="{self.name}"}} 1']
        lines += [f'node_cpu_seconds_total{{cpu="{c}",mode="user"}} {busy + c}' for c in range(2)]
        lines += [f'node_cpu_seconds_total{{cpu="{c}",mode="idle"}} {t - busy + c}' for c in range(2)]
        lines += [
            "node_memory_MemTotal_bytes 16777216000",
            f"node_memory_MemAvailable_bytes {16777216000 * (0.6 - load / 3)}",
        ]
        for mount, share in (("/", 0.31), ("/data", 0.72)):
            labels = f'device="/dev/vda{len(mount)}",fstype="ext4",mountpoint="{mount}"'
            lines += [
                f"node_filesystem_size_bytes{{{labels}}} 5e11",
                f"node_filesystem_avail_bytes{{{labels}}} {5e11 * (1 - share)}",
            ]
        for name, pace in (
            ("disk_read", 2e6),
            ("disk_written", 9e6),
            ("network_receive", 4e6),
            ("network_transmit", 1e6),
        ):
            lines.append(f'node_{name}_bytes_total{{device="dev0"}} {pace * (t + 40 * np.sin(t / 60 + pace))}')
        if self.gpu:
            labels = '{gpu="0",uuid="GPU-7c"}'
            lines += [f"tocsin_gpu_up{labels} 1", f"tocsin_gpu_utilization_ratio{labels} {load}"]
            lines += [f"tocsin_gpu_memory_used_bytes{labels} {2.1e10 + 4e9 * load}"]
            lines += [
                f"tocsin_gpu_power_watts{labels} {120 + 200 * load}",
                f"tocsin_gpu_temperature_celsius{labels} {45 + 30 * load:.0f}",
            ]
        if self.serving:
            lines += self._serving(t)
        return ("\n".join(lines) + "\n").encode()

    @staticmethod
    def _serving(t: float) -> list[str]:
        key = 'model="flights",project="demo",version="2"'
        count = 11 * t - 300 * np.cos(t / 300)
        share = np.cumsum([0.0, 0.02, 0.3, 0.35, 0.2, 0.08, 0.03, 0.015, 0.005, 0.0])
        lines = [f'tocsin_inference_requests_total{{{key},outcome="ok"}} {count * 0.995}']
        lines += [f'tocsin_inference_requests_total{{{key},outcome="client_error"}} {count * 0.005}']
        for le, part in zip(LE, share, strict=True):
            lines.append(f'tocsin_inference_request_duration_seconds_bucket{{{key},le="{le}"}} {count * part}')
        lines.append(f'tocsin_inference_request_duration_seconds_bucket{{{key},le="+Inf"}} {count}')
        return lines


def in_a_thread(task: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine in a loop of its own; Playwright has one in this thread already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(task())).result()


def serve(body: Callable[[], bytes]) -> tuple[str, Callable[[], None]]:
    """An HTTP server that answers every GET with a body; its address and how to end it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = body()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()

    def end() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return f"http://127.0.0.1:{server.server_port}", end


# --- models -----------------------------------------------------------------------------------------------------------


def _psi(reference: np.ndarray, current: np.ndarray) -> float:
    a, b = np.maximum(reference, 1e-4), np.maximum(current, 1e-4)
    return float(((b - a) * np.log(b / a)).sum())


def _feature(
    name: str, kind: str, sample: np.ndarray, reference: np.ndarray, missing: float, rows: int
) -> FeatureVerdict:
    if kind == "number":
        edges = np.quantile(reference, np.linspace(0, 1, 13)[1:-1])
        outer = np.concatenate([[-np.inf], edges, [np.inf]])
        now, before = (np.histogram(values, outer)[0] / len(values) for values in (sample, reference))
        texts = [f"{a:.0f} to {b:.0f}" for a, b in itertools.pairwise(edges)]
        cells = (f"below {edges[0]:.0f}", *texts, f"{edges[-1]:.0f} and more")
        shape = Distribution(cells, tuple(before.tolist()), tuple(now.tolist()), tuple(edges.tolist()))
    else:
        names = sorted(set(reference.tolist()))
        now, before = (np.array([(values == n).mean() for n in names]) for values in (sample, reference))
        shape = Distribution((*names, "_other"), (*before.tolist(), 0.0), (*now.tolist(), 0.0))
    score = _psi(before, now)
    reasons = []
    if missing > 0.041:
        reasons.append(
            f"{name}: {missing:.1%} of values are missing, the reference's worst window had 6.7 % (bound 4.1 %)"
        )
    if score > 0.18:
        reasons.append(f"{name}: shifted upwards (distance {score:.2f}, bound 0.18)")
    return FeatureVerdict(
        name, kind, "psi", rows, score, 0.18, missing, 0.0076, 0.041, 0.0, 0.01, shape, tuple(reasons)
    )


def flights(days: int = 36) -> ModelView:
    """A model of flights: 34 quiet days, then a storm. The numbers are drawn, the distances are computed from them."""
    rng = np.random.default_rng(7)
    reference = {
        "dep_delay": rng.gumbel(2, 12, 6000),
        "distance": rng.choice([184, 502, 1005, 1400, 2475], 6000, p=[0.1, 0.25, 0.3, 0.2, 0.15])
        + rng.normal(0, 60, 6000),
        "sched_hour": rng.integers(5, 23, 6000).astype(float),
        "carrier": rng.choice(
            ["AA", "B6", "DL", "EV", "MQ", "UA", "US", "WN"], 6000, p=[0.1, 0.17, 0.15, 0.16, 0.08, 0.18, 0.1, 0.06]
        ),
        "origin": rng.choice(["EWR", "JFK", "LGA"], 6000, p=[0.36, 0.33, 0.31]),
        "wind_speed": rng.gamma(4, 3, 6000),
    }
    return ModelView(
        key=FLIGHTS,
        rows_total=905 * days + 311,
        labels_total=840 * days,
        outcomes_total=840 * days,
        first_event_s=FIRST + 300,
        last_event_s=FIRST + days * DAY + 4000,
        watermark_s=FIRST + days * DAY + 3400,
        open_windows=1,
        reference={
            "source": "13 September to 31 October",
            "rows": 43_112,
            "windows": 49,
            "start_s": FIRST - 49 * DAY,
            "end_s": FIRST,
        },
        features={name: "category" if values.dtype.kind == "U" else "number" for name, values in reference.items()},
        verdicts=tuple(_day(index, reference, rng) for index in range(days)),
        schema=(
            FeatureSchema("dep_delay", {"number": FIRST + 300}),
            FeatureSchema("carrier", {"category": FIRST + 300, "number": FIRST + 9 * DAY}),
            FeatureSchema("wind_speed", {"number": FIRST + 300}, gone_s=FIRST + 20 * DAY),
        ),
        changes=(
            SchemaChange(FIRST + 300, "version", "", "follows version 1"),
            SchemaChange(FIRST + 9 * DAY, "kind", "carrier", "carrier was a category and came as a number"),
            SchemaChange(FIRST + 20 * DAY, "vanished", "wind_speed", "wind_speed has no value in any of 905 rows"),
        ),
        late_total=17,
    )


def _day(index: int, reference: dict[str, np.ndarray], rng: np.random.Generator) -> WindowVerdict:
    storm = index >= 34
    rows = int(rng.normal(905, 40))
    missing = (0.163, 0.112)[index - 34] if storm else abs(float(rng.normal(0.008, 0.006)))
    features = {}
    for name, values in reference.items():
        sample = rng.choice(values, rows)
        if storm and name == "dep_delay":
            sample = sample + 22
        if storm and name == "wind_speed":
            sample = sample + 6
        kind = "category" if values.dtype.kind == "U" else "number"
        features[name] = _feature(name, kind, sample, values, missing if name == "dep_delay" else 0.0, rows)
    start = FIRST + index * DAY
    late = 0.45 if storm else float(rng.normal(0.18, 0.03))
    return WindowVerdict(
        FLIGHTS, start, start + DAY, 1, rows, features, _quality(storm, late, rows, rng),
        {"delay_minutes": outcome(rng.normal(31.0 if storm else 6, 20, rows - 40), rows, 6.3)},
        {"p50": 0.0021, "p99": 0.014}, {"late": late, "on time": 1 - late},
        {"origin": {"EWR": rows // 3, "JFK": rows // 3, "LGA": rows // 3}}, final=index < 30,
    )  # fmt: skip


def _quality(storm: bool, late: float, rows: int, rng: np.random.Generator) -> QualityVerdict:
    auc = 0.61 if storm else float(rng.normal(0.71, 0.012))
    loss = 0.82 if storm else float(rng.normal(0.43, 0.02))
    reasons = (f"log loss {loss:.2f} is above its bound 0.55 (baseline 0.69)",) if storm else ()
    labels = _labels(late, rows - 40)
    return QualityVerdict(
        labelled=rows - 40,
        coverage=0.955,
        scores={"auc": auc, "log_loss": loss, "brier": loss / 3, "accuracy": 1 - late},
        baseline={"auc": 0.5, "log_loss": 0.69 if storm else 0.48, "brier": 0.16, "accuracy": 1 - late - 0.01},
        reference={"auc": 0.72, "log_loss": 0.42, "brier": 0.14, "accuracy": 0.83},
        thresholds={"auc": 0.64, "log_loss": 0.55, "brier": 0.19},
        reasons=reasons,
        tally=pack(count(labels)),
        segments=by_segment(labels, Stakes()),
    )


def _labels(late: float, rows: int) -> Labelled:
    """What the quality of a day may have been made of."""
    rng = np.random.default_rng(rows)
    origin = rng.choice(["EWR", "JFK", "LGA"], rows)
    share = 1 / (1 + np.exp(-(rng.normal(size=rows) + np.log(late / (1 - late)) + 0.8 * (origin == "LGA"))))
    happened = ["late" if one else "on time" for one in rng.random(rows) < share]
    scores = {"late": number(share.tolist()), "on time": number((1 - share).tolist())}
    return Labelled(category(happened), None, scores, {"origin": category(origin.tolist())}, rng.lognormal(9, 1, rows))


def quiet(view: ModelView) -> ModelView:
    """Another model, without its bad days, with no version."""
    key = ModelKey("shop", "credit", "")
    return replace(view, key=key, verdicts=tuple(replace(verdict, key=key) for verdict in view.verdicts[:30]))


def newcomer() -> ModelView:
    """A model whose first events have come and that has no reference."""
    features = {"age": "number", "city": "category"}
    return ModelView(ModelKey("shop", "churn", "7"), 12, 0, 0, FIRST, FIRST + 90, FIRST, 1, None, features, ())


def servers(now: float) -> list[ServerView]:
    """Three servers: one answers, one does not and never did, one was not asked yet."""
    said = (Remark("scrapes the collector, 2 of 3 agents", bad=True), Remark("hands alerts to 1 Alertmanager"))
    return [
        ServerView("prometheus", "http://prometheus.example:9090", True, now - 7_200, now - 3, "2.53.1", "", said),
        ServerView(
            "alertmanager", "http://alerts.example:9093", False, now - 95, None, "", "no connection: Connection refused"
        ),
        ServerView("grafana", "https://grafana.example/ops"),
    ]


# --- the service ------------------------------------------------------------------------------------------------------


class Service:
    """The routers over real parts; ``views`` may be replaced."""

    def __init__(self, folder: str, *, scrapes: int = 40, full: bool = True) -> None:
        self.views: list[ModelView] = []
        self.now = time.time()
        self._ends: list[Callable[[], None]] = []
        hosts = [
            Host("ewr-gpu-01", gpu=True, serving=True, seed=1),
            Host("lga-serve-02", gpu=False, serving=False, seed=3),
        ]
        addresses = [self._serve(host) for host in hosts] if full else []
        gone = f"http://127.0.0.1:{free_port()}"  # nobody listens there
        self.fleet = Fleet([*addresses, gone] if full else [], clock=lambda: self.now)
        self.alarms = Alarms(
            folder, self.fleet, page_url="http://tocsin.example", utc_offset_s=NEW_YORK_S, clock=lambda: self.now
        )
        self.logs = LogStore(folder)
        if full:
            self._fill(hosts, scrapes)
        self.servers: list[ServerView] = servers(self.now) if full else []
        self.servers_fault = ""
        self.received = InboxView()
        self.folded: dict[ModelKey, int] = {}
        sources = Sources(
            lambda: self.views,
            self.fleet,
            self.alarms,
            self.logs,
            lambda: self.now,
            NEW_YORK_S,
            servers=lambda: self.servers,
            servers_fault=lambda: self.servers_fault,
            received=lambda: self.received,
            folded=self.folded,
            links=Links("http://prometheus.example:9090", "https://grafana.example/ops") if full else Links(),
        )
        self.app = FastAPI()
        self.app.include_router(page_router(sources))
        self.app.include_router(logs_router(self.logs))

    def _serve(self, host: Host) -> str:
        address, end = serve(host.exposition)
        self._ends.append(end)
        return address

    def _fill(self, hosts: list[Host], scrapes: int) -> None:
        end, view = self.now, flights()
        self.views = [quiet(view), view, newcomer()]
        for index in range(scrapes):
            self.now = end - (scrapes - 1 - index) * 5
            for host in hosts:
                host.now = self.now - end + 20_000
            in_a_thread(self.fleet.scrape)
            if index in (0, scrapes - 1):
                self.alarms.evaluate()
        for verdict in view.verdicts:
            self.alarms.verdict(view.key, verdict)
        storm, calm = view.verdicts[-1], view.verdicts[0]
        for verdict in (storm, replace(calm, start_s=storm.start_s, end_s=storm.end_s)):  # restated: it is over
            self.alarms.verdict(self.views[0].key, verdict)
        levels = ("info", "info", "info", "warning", "info", "error")
        lines = [
            f'{{"@timestamp":{end - 900 + i * 7},"message":"flight UA{1000 + i} scored in {2 + i % 7} ms",'
            f'"log.level":"{levels[i % 6]}","host.name":"ewr-gpu-01","service.name":"flights","log.offset":{i * 80}}}'
            for i in range(120)
        ]
        self.logs.add([record(line.encode(), int(end * 1e6)) for line in lines]).result(10)

    def close(self) -> None:
        self.alarms.stop()
        self.logs.close()
        for end in self._ends:
            end()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The full service; its models are not changed by tests."""
    made = Service(str(tmp_path_factory.mktemp("service")))
    yield made
    made.close()


@pytest.fixture
def empty(tmp_path: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that nothing has come to yet; tests may give it models."""
    made = Service(str(tmp_path), full=False)
    yield made
    made.close()


def listen(app: FastAPI) -> tuple[str, Callable[[], None]]:
    """The app under uvicorn on a free port; its address and how to end it."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    limit = time.monotonic() + 20
    while not server.started and time.monotonic() < limit:
        time.sleep(0.01)

    def end() -> None:
        server.should_exit = True
        thread.join()
        sock.close()

    return f"http://127.0.0.1:{sock.getsockname()[1]}", end


@pytest.fixture(scope="session")
def address(service: Service) -> Iterator[str]:
    """The full service over HTTP."""
    found, end = listen(service.app)
    yield found
    end()
