"""One scrape against peers that behave, lie, hang and flood."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tocsin_collector.fleet.address import AddressError, AddressList, address
from tocsin_collector.fleet.scrape import ScrapeError, fetch

OK = b"HTTP/1.0 200 OK\r\n\r\n"


def _fetch(where: str, timeout_s: float = 5.0, max_bytes: int = 1 << 20) -> bytes:
    return asyncio.run(fetch(address(where), timeout_s, max_bytes))


def _fails(where: str, **keywords: Any) -> ScrapeError:
    with pytest.raises(ScrapeError) as caught:
        _fetch(where, **keywords)
    return caught.value


def test_a_body_is_read_to_its_end(peer: Callable[..., Any]) -> None:
    assert _fetch(peer(OK + b"a 1\n" * 1000).address) == b"a 1\n" * 1000


def test_a_body_ends_at_its_stated_length(peer: Callable[..., Any]) -> None:
    assert _fetch(peer(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\na 1\nleft over").address)[:4] == b"a 1\n"


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        (b"", "unreachable", "without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "malformed", "not in HTTP"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "status", "503 Busy"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "malformed", "ends after 5 of 100"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "too_large", "99999999999 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n", "malformed", "chunks"),
        (OK + b"x" * 2_000_000, "too_large", "more than 1048576 bytes"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "malformed", "no end of the header"),
        (b"\xff\xfe\x00\r\n\r\n", "malformed", "not in HTTP"),
    ],
)
def test_each_bad_answer_has_its_name(peer: Callable[..., Any], answer: bytes, outcome: str, said: str) -> None:
    error = _fails(peer(answer).address)
    assert error.outcome == outcome
    assert said in str(error)


def test_a_name_that_is_none_is_unreachable() -> None:
    assert _fails("http://" + "a" * 70 + ".example:9").outcome == "unreachable"


def test_the_addresses_of_a_name_are_tried_in_turn(peer: Callable[..., Any]) -> None:
    """localhost is ::1 first on most hosts, and the peer listens on 127.0.0.1 alone."""
    assert _fetch(peer(OK + b"a 1\n").address.replace("127.0.0.1", "localhost")) == b"a 1\n"


def test_a_name_server_that_hangs_takes_no_thread_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hangs(*_: object, **__: object) -> list[Any]:
        over.wait(30)
        return []

    async def many() -> float:
        asking = [asyncio.create_task(fetch(address(f"http://host-{n}:9"), 0.5)) for n in range(40)]
        await asyncio.sleep(0.1)
        started = time.monotonic()
        await asyncio.to_thread(int)
        took = time.monotonic() - started
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(each) for each in found} == {ScrapeError}
        return took

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    try:
        assert asyncio.run(many()) < 0.3
    finally:
        over.set()


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = _fails(f"127.0.0.1:{port}")
    assert (error.outcome, str(error)) == ("unreachable", "no connection: Connection refused")


def test_a_peer_that_trickles_is_cut_at_the_deadline(peer: Callable[..., Any]) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.sendall(OK)
        limit = time.monotonic() + 5
        while time.monotonic() < limit:
            connection.sendall(b"#")
            time.sleep(0.02)

    started = time.monotonic()
    assert _fails(peer(trickle).address, timeout_s=0.3).outcome == "timeout"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("text", "host", "port", "path", "tls"),
    [
        ("h:1", "h", 1, "/metrics", False),
        ("http://h:1/", "h", 1, "/metrics", False),
        ("https://h/m?x=1", "h", 443, "/m?x=1", True),
        ("[::1]:9", "::1", 9, "/metrics", False),
    ],
)
def test_addresses(text: str, host: str, port: int, path: str, tls: bool) -> None:
    found = address(text)
    assert (found.host, found.port, found.path, found.tls) == (host, port, path, tls)


@pytest.mark.parametrize("text", ["", "ftp://h", "h:99999", "h:x", "http://", "a b", "http://h\r\nX: y", "[::1"])
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(AddressError, match="http://host:port expected"):
        address(text)


def test_the_agents_file_is_read_again_when_it_changes(tmp_path: Any) -> None:
    file = tmp_path / "agents"
    file.write_text("a:1  # the first\n\n#b:2\nnot an address\n")
    agents = AddressList(["c:3", "a:1"], str(file))
    assert [found.text for found in agents.read()] == ["c:3", "a:1"]
    assert list(agents.refused) == ["not an address"]
    file.write_text("d:4\n")
    assert [found.text for found in agents.read()] == ["c:3", "a:1", "d:4"]
    file.unlink()
    assert [found.text for found in agents.read()] == ["c:3", "a:1", "d:4"]
    assert "cannot be read" in agents.fault
