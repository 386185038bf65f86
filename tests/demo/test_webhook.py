"""The webhook: what it prints, what it refuses."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_demo import webhook

ALARM = {
    "version": "1.0",
    "title": "flights: data quality",
    "message": "dep_delay_min: 16.5 %\n\nsee the page",
    "type": "x",
}


@pytest.fixture
def sink() -> Iterator[tuple[str, list[str]]]:
    shown: list[str] = []
    with webhook.sink("127.0.0.1:0", shown.append) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening.address.removeprefix("http://"), shown
        listening.shutdown()
        thread.join(10)


def post(address: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("POST", "/", body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_an_alarm_is_shown_with_its_title_and_text(sink: tuple[str, list[str]]) -> None:
    address, shown = sink
    assert post(address, json.dumps(ALARM).encode()) == (200, b"")
    assert shown == ["flights: data quality\n    dep_delay_min: 16.5 %\n    see the page"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"title": "x"}', b'{"title": 1, "message": "x"}', b"\xff", b"[" * 50_000]
)
def test_what_is_no_alarm_is_refused_with_its_reason(sink: tuple[str, list[str]], body: bytes) -> None:
    address, shown = sink
    status, reason = post(address, body)
    assert status == 400
    assert reason
    assert shown == []
    assert post(address, json.dumps(ALARM).encode())[0] == 200


def test_a_body_too_large_is_refused_before_it_is_read(sink: tuple[str, list[str]]) -> None:
    address, shown = sink
    host, _, port = address.partition(":")
    for length in (b"65537", b"99999999999999999999"):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert shown == []


@pytest.mark.parametrize("length", ["", "-1", "ten", "\u0662"])
def test_a_body_without_a_length_is_refused(sink: tuple[str, list[str]], length: str) -> None:
    host, _, port = sink[0].partition(":")
    header = f"Content-Length: {length}\r\n" if length else ""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{header}\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 411 ")


@given(st.text(), st.text())
def test_nothing_of_an_alarm_reaches_the_terminal_as_a_command(title: str, message: str) -> None:
    lines = webhook.readable(json.dumps({"title": title, "message": message}).encode()).split("\n")
    assert all(line.isprintable() for line in lines)


@pytest.mark.system
def test_the_command_prints_alarms_and_ends_when_told() -> None:
    command = [sys.executable, "-m", "tocsin_demo.webhook"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            address = process.stderr.readline().strip().rpartition("http://")[2]
            assert post(address, json.dumps(ALARM).encode())[0] == 200
            assert process.stdout.readline().endswith("  flights: data quality\n")
            assert process.stdout.readline() == "    dep_delay_min: 16.5 %\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
