"""The push: whatever the receiver does, nothing is stuck, what waits is bounded, what became of samples is counted."""

import asyncio
import struct
from collections import deque

import pytest

from tests.collector.export.remote_write_reader import unpacked
from tests.collector.exposed import BUDGET
from tocsin_collector.export.exposition import Column
from tocsin_collector.export.metrics import Metrics
from tocsin_collector.export.outbox import Limits, retry_after_s
from tocsin_collector.export.remote_write import WRITTEN, RemoteWrite
from tocsin_collector.export.write_request import STALE
from tocsin_collector.servers.ask import Access

STALE_BITS = struct.unpack("<Q", STALE)[0]
NOW_S = 1_790_000_000.0


class Receiver:
    """A receiver on a real socket that answers by its script, and then as it should."""

    def __init__(self) -> None:
        self.script: deque = deque()
        self.requests: list = []
        self.asked: list = []
        self.series: list = []
        self.arrived = asyncio.Event()
        self.url = ""

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/api/v1/write"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        body = await reader.readexactly(int(headers["content-length"]))
        assert headers["content-encoding"] == "snappy"
        self.requests.append(headers)
        self.asked.append(head.split()[1])
        found = unpacked(body, headers["content-type"])
        answer = self.script.popleft() if self.script else 204
        if answer == "hang up":
            writer.close()
        else:
            status, *more = answer if isinstance(answer, tuple) else (answer,)
            written = (
                [f"{WRITTEN}: {len(found)}"] if "v2" in headers["content-type"] and status < 300 and not more else more
            )
            if status // 100 == 2:
                self.series += found
            writer.write("\r\n".join([f"HTTP/1.1 {status} X", *written, "Content-Length: 0", "", ""]).encode())
            await writer.drain()
            writer.close()
        self.arrived.set()

    async def count(self, number):
        """Wait until so many requests have come."""
        async with asyncio.timeout(10):
            while len(self.requests) < number:
                self.arrived.clear()
                await self.arrived.wait()


class Shown:
    """A few series whose values the test sets."""

    def __init__(self) -> None:
        self.rows = {"a": 1.0, "b": 2.0}
        self.metrics = Metrics(list, self._columns, BUDGET)

    def _columns(self):
        yield Column("tocsin_window_rows", {}, ("version",), [(key,) for key in self.rows], [*self.rows.values()])


def counted(push):
    return {
        (
            sample.name.removeprefix("tocsin_push_"),
            *[value for value in sample.labels.values() if value != "remote_write"],
        ): sample.value
        for sample in push.samples()
    }


QUICK = Limits(first_wait_s=0.01, longest_wait_s=0.05)


def pushing(shown, receiver, *, version="1.0", limits=QUICK):
    return RemoteWrite(
        shown.metrics,
        Access("remote_write", receiver.url),
        {"job": "c"},
        version=version,
        clock=lambda: NOW_S,
        limits=limits,
    )


async def ended(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_every_beat_brings_what_is_shown_and_the_end_is_marked():
    async def run():
        async with Receiver() as receiver:
            push = pushing(Shown(), receiver)
            task = asyncio.create_task(push.run(0.05))
            await receiver.count(3)
            await ended(task)
            return receiver, counted(push)

    receiver, counts = asyncio.run(run())
    by_series = {}
    for labels, bits, time_ms, _ in receiver.series:
        by_series.setdefault(labels["version"], []).append((time_ms, bits))
    for found in by_series.values():
        assert [time_ms for time_ms, _ in found] == sorted({time_ms for time_ms, _ in found}), "in order, none twice"
        assert [bits for _, bits in found].count(STALE_BITS) == 1
        assert found[-1][1] == STALE_BITS
    assert counts["samples_total", "sent"] == len(receiver.series)
    assert counts["waiting_bytes",] == 0
    assert counts["last_success_timestamp_seconds",] == NOW_S


def test_a_series_that_is_gone_is_ended():
    async def run():
        async with Receiver() as receiver:
            shown = Shown()
            push = pushing(shown, receiver)
            await push.snapshot()
            del shown.rows["b"]
            await push.snapshot()
            await push.snapshot()
            task = asyncio.create_task(push.outbox.send())
            await receiver.count(3)
            await ended(task)
            return [(labels["version"], bits == STALE_BITS) for labels, bits, _, _ in receiver.series]

    assert asyncio.run(run()) == [("a", False), ("b", False), ("a", False), ("b", True), ("a", False)]


def pushed(*script, beats=1, version="1.0"):
    """The receiver, and what is counted, after so many snapshots, each settled before the next."""

    async def run():
        async with Receiver() as receiver:
            receiver.script.extend(script)
            push = pushing(Shown(), receiver, version=version)
            task = asyncio.create_task(push.outbox.send())
            for _ in range(beats):
                await push.snapshot()
                async with asyncio.timeout(5):
                    await push.outbox.emptied()
            await ended(task)
            return receiver, counted(push)

    return asyncio.run(run())


@pytest.mark.parametrize("fault", [500, 503, 429, (429, "Retry-After: 0"), "hang up"])
def test_what_may_pass_is_tried_again_and_nothing_is_lost(fault):
    receiver, counts = pushed(fault, fault, fault)
    assert len(receiver.requests) == 4
    assert (len(receiver.series), counts["samples_total", "sent"], counts["samples_total", "refused"]) == (2, 2, 0)


@pytest.mark.parametrize("status", [400, 401, 404, 301])
def test_what_is_refused_is_counted_and_the_next_goes_on(status):
    _, counts = pushed(status, beats=2)
    assert (counts["samples_total", "sent"], counts["samples_total", "refused"]) == (2, 2)
    assert (counts["requests_total", str(status)], counts["requests_total", "204"]) == (1, 1)


@pytest.mark.parametrize("answer", [415, (200, "X-Nothing: 1")])
def test_a_receiver_that_does_not_take_version_2_gets_version_1(answer):
    receiver, counts = pushed(answer, beats=2, version="2.0")
    assert ["v2" in one["content-type"] for one in receiver.requests] == [True, False]
    assert (counts["samples_total", "sent"], counts["samples_total", "refused"]) == (2, 2)


@pytest.mark.parametrize("status", [204, 400])
def test_what_version_2_did_not_write_is_counted(status):
    _, counts = pushed((status, f"{WRITTEN}: 1"), version="2.0")
    assert (counts["samples_total", "sent"], counts["samples_total", "refused"]) == (1, 1)


@pytest.mark.parametrize("query", ["", "?extra_label=dc=a&x=%2F"])
def test_the_query_of_its_address_is_sent_and_not_shown(query):
    async def run():
        async with Receiver() as receiver:
            receiver.url += query
            push = pushing(Shown(), receiver)
            task = asyncio.create_task(push.outbox.send())
            await push.snapshot()
            await receiver.count(1)
            await ended(task)
            return receiver, push

    receiver, push = asyncio.run(run())
    assert receiver.asked == ["/api/v1/write" + query]
    assert push.outbox._access.shown.endswith("/api/v1/write")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("0", 0),
        ("120", 120),
        ("thu, 01 jan 1970 00:01:10 gmt", 10),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("soon", 0),
        ("-1", 0),
        ("1" * 400, 0),
        ("thu, 99 jan 1970 00:01:10 gmt", 0),
    ],
)
def test_retry_after_says_seconds_or_a_date(text, seconds):
    assert retry_after_s(text, now_s=60.0) == seconds


def test_while_the_receiver_is_away_the_newest_wait_in_bounds():
    async def run():
        async with Receiver() as receiver:
            url = receiver.url
        shown = Shown()
        receiver.url = url  # nobody listens there any more
        push = pushing(shown, receiver, limits=QUICK._replace(queue_bytes=600))
        await push.snapshot()
        task = asyncio.create_task(push.outbox.send())
        for value in range(20):
            shown.rows["a"] = value
            await push.snapshot()
        waiting, counts = len(push.outbox._queue), counted(push)
        await ended(task)
        return waiting, counts

    waiting, counts = asyncio.run(run())
    assert 3 <= waiting <= 10
    assert counts["samples_total", "dropped"] == 2 * (21 - waiting - 1), "one is under way"
    assert counts["waiting_bytes",] <= 600


def test_a_stop_does_not_wait_for_a_receiver_that_hangs():
    async def run():
        asked = asyncio.Event()

        async def hang(reader, writer):
            asked.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        receiver = Receiver()
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        task = asyncio.create_task(pushing(Shown(), receiver, limits=QUICK._replace(farewell_s=0.2)).run(0.05))
        async with asyncio.timeout(5):
            await asked.wait()
            await ended(task)
        server.close()

    asyncio.run(run())
