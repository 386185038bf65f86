"""The fleet: many agents at one beat, and none of them can harm another."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.collector.exposed import render
from tocsin_alerts.alert import Match
from tocsin_collector.export.exposition import Sample
from tocsin_collector.fleet import Fleet, host
from tocsin_collector.fleet.fleet import OWN

OK = b"HTTP/1.0 200 OK\r\n\r\n"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def _scrape(fleet: Fleet, clock: Clock, times: int = 1, step: float = 5.0) -> None:
    async def rounds() -> None:
        for _ in range(times):
            await fleet.scrape()
            clock.now += step

    asyncio.run(rounds())


def test_good_and_bad_agents_stand_side_by_side(peer: Callable[..., Any]) -> None:
    clock = Clock()
    good = peer(OK + b'node_uname_info{nodename="alpha"} 1\na 1\n')
    web = peer(OK + b"<html></html>")
    fleet = Fleet([good.address, web.address, "nonsense here"], clock=clock)
    _scrape(fleet, clock)
    views = {view.address: view for view in fleet.agents()}
    assert (views[good.address].up, views[good.address].name, views[good.address].series) == (True, "alpha", 2)
    assert views[web.address].error.startswith("answers, but not in the exposition format: ")
    assert "http://host:port expected" in views["nonsense here"].error
    counted = {(s.name, *s.labels.values()): s.value for s in fleet.samples()}
    assert counted["tocsin_fleet_scrapes_total", "ok"] == 1
    assert counted["tocsin_fleet_scrapes_total", "malformed"] == 1
    assert counted["tocsin_fleet_agents", "gone"] == 1


def test_an_agent_that_is_gone_shows_its_age_and_is_not_current(peer: Callable[..., Any]) -> None:
    clock = Clock()
    said = [OK + b"a 1\n"]
    agent = peer(lambda connection: connection.sendall(said[0]))
    fleet = Fleet([agent.address], clock=clock)
    _scrape(fleet, clock)
    said[0] = b""
    clock.now += 30
    _scrape(fleet, clock)
    view = fleet.agents()[0]
    assert (view.up, view.age_s) == (False, 40.0)
    assert list(fleet.current("a")) == []
    assert fleet.gone() == {agent.address}
    assert [row[-1] for _, _, row in fleet.current("up")] == [0.0]
    assert fleet.series(agent.address, "a")[0].values.tolist() == [1.0], "history stays"


def test_a_slow_agent_does_not_hold_up_the_others(peer: Callable[..., Any]) -> None:
    clock = Clock()
    slow = peer(lambda connection: connection.recv(1))
    good = peer(OK + b"a 1\n")
    fleet = Fleet([slow.address, good.address], clock=clock, interval_s=0.3)
    started = time.monotonic()
    _scrape(fleet, clock)
    assert time.monotonic() - started < 3
    assert [view.up for view in fleet.agents()] == [False, True]
    assert "no whole answer within 0.3 s" in fleet.agents()[0].error


def test_an_agent_that_leaves_the_list_is_forgotten(peer: Callable[..., Any], tmp_path: Any) -> None:
    clock, agent = Clock(), peer(OK + b"a 1\n")
    file = tmp_path / "agents"
    file.write_text(agent.address)
    fleet = Fleet([], str(file), clock=clock)
    _scrape(fleet, clock)
    assert [view.up for view in fleet.agents()] == [True]
    file.write_text("# nobody\n")
    _scrape(fleet, clock)
    assert fleet.agents() == []
    assert fleet.series(agent.address, "a") == []


def test_rates_and_quantiles_are_summed_over_agents(peer: Callable[..., Any]) -> None:
    clock = Clock()

    def serve(connection: Any) -> None:
        n = clock.now * 2
        lines = [
            f'r_total{{model="m"}} {n}',
            f'd_bucket{{le="0.1"}} {n / 2}',
            f'd_bucket{{le="1.0"}} {n}',
            f'd_bucket{{le="+Inf"}} {n}',
        ]
        connection.sendall(OK + "\n".join([*lines, ""]).encode())

    agents = [peer(serve), peer(serve)]
    fleet = Fleet([agent.address for agent in agents], clock=clock)
    _scrape(fleet, clock, times=5)
    grid = np.array([clock.now - 5])
    assert fleet.total_rate(grid, "r_total", [Match("model", "=", "m")]).tolist() == [4.0]
    assert np.isnan(fleet.total_rate(grid, "r_total", [Match("model", "=", "other")])).all()
    (median,) = fleet.quantiles(grid, "d", (), 60, [0.5])
    assert abs(median[0] - 0.1) < 1e-9
    assert np.isnan(fleet.total_rate(np.array([clock.now + 1000]), "r_total")).all(), "old rates are not the present"


def test_a_quantile_of_a_histogram_that_nobody_has_is_unknown() -> None:
    assert np.isnan(Fleet().quantiles(np.array([1.0, 2.0]), "d", (), 60, [0.5])[0]).all()


def test_the_collectors_own_series_are_there_too() -> None:
    async def own() -> list[Sample]:
        return [Sample("mine_total", {}, 3)]

    clock = Clock()
    fleet = Fleet([], clock=clock, own=own)
    _scrape(fleet, clock)
    assert [labels for labels, _, _ in fleet.current("mine_total")] == [{"job": "tocsin-collector", "instance": OWN}]
    assert fleet.agents() == []


def test_run_scrapes_at_its_beat_until_it_is_cancelled(peer: Callable[..., Any]) -> None:
    agent = peer(OK + b"a 1\n")
    rounds: list[float] = []

    async def some() -> None:
        enough = asyncio.Event()

        async def own() -> list[Sample]:
            rounds.append(time.monotonic())
            if len(rounds) == 4:
                enough.set()
            return []

        fleet = Fleet([agent.address], interval_s=0.05, own=own)
        task = asyncio.create_task(fleet.run())
        async with asyncio.timeout(10):
            await enough.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert len(fleet.ring(agent.address).select("a")[1]) >= 3

    asyncio.run(some())


def test_a_round_that_fails_does_not_end_the_beat() -> None:
    rounds: list[int] = []

    async def some() -> None:
        enough = asyncio.Event()

        async def own() -> list[Sample]:
            rounds.append(1)
            if len(rounds) == 3:
                enough.set()
            raise ZeroDivisionError

        fleet = Fleet([], interval_s=0.05, own=own)
        task = asyncio.create_task(fleet.run())
        async with asyncio.timeout(10):
            await enough.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        counted = {tuple(sample.labels.values()): sample.value for sample in fleet.samples()}
        assert counted["failed",] >= 2

    asyncio.run(some())


def test_its_own_metrics_are_in_the_catalogue() -> None:
    assert b"tocsin_fleet_agents" in render(Fleet().samples())


def test_cpu_memory_disk_and_network_of_a_host(peer: Callable[..., Any]) -> None:
    clock = Clock()

    def serve(connection: Any) -> None:
        t = clock.now
        connection.sendall(
            OK
            + f"""node_cpu_seconds_total{{cpu="0",mode="idle"}} {t * 0.75}
node_cpu_seconds_total{{cpu="0",mode="user"}} {t * 0.25}
node_memory_MemTotal_bytes 1000
node_memory_MemAvailable_bytes 400
node_filesystem_size_bytes{{fstype="ext4",mountpoint="/"}} 100
node_filesystem_avail_bytes{{fstype="ext4",mountpoint="/"}} 10
node_filesystem_size_bytes{{fstype="tmpfs",mountpoint="/run"}} 100
node_filesystem_avail_bytes{{fstype="tmpfs",mountpoint="/run"}} 0
node_network_receive_bytes_total{{device="lo"}} {t * 1000}
node_network_receive_bytes_total{{device="eth0"}} {t * 7}
tocsin_gpu_up{{gpu="0"}} 1
tocsin_gpu_power_watts{{gpu="0"}} 150
""".encode()
        )

    agent = peer(serve)
    fleet = Fleet([agent.address], clock=clock)
    _scrape(fleet, clock, times=3)
    last = {curve.name: curve.last for curve in host.curves(fleet, agent.address)}
    assert last["CPU"] is not None
    assert abs(last["CPU"] - 0.25) < 1e-9
    assert last["Memory"] == 0.6
    assert last["Network in"] == 7.0
    assert "Disk read" not in last
    assert host.fullest(fleet, agent.address) == ("/", 0.9)
    assert [(gpu.name, [curve.name for curve in gpu.curves]) for gpu in host.gpus(fleet, agent.address)] == [
        ("0", ["Power"])
    ]
