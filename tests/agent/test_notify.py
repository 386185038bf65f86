"""What systemd is told, over a real socket."""

import os
import socket
from collections.abc import Iterator

import pytest

from tocsin_agent.notify import Notifier


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path) -> Iterator[tuple[socket.socket, str]]:
    """The socket that NOTIFY_SOCKET names, and its name."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@tocsin-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(name.replace("@", "\0", 1))
        sock.settimeout(5)
        yield sock, name


def test_each_state_is_one_datagram(systemd):
    sock, name = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name}, 1, lambda: 5_000_123_456)
    notifier.ready()
    notifier.reloading()
    notifier.stopping()
    assert [sock.recv(100) for _ in range(3)] == [b"READY=1", b"RELOADING=1\nMONOTONIC_USEC=5000123", b"STOPPING=1"]


def test_the_watchdog_is_fed_in_half_its_time(systemd):
    sock, name = systemd
    now = [10**9]
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "7"}, 7, lambda: now[0])
    assert notifier.feed() == 2.0
    assert sock.recv(100) == b"WATCHDOG=1"
    now[0] += 1_500_000_000
    assert notifier.feed() == 0.5
    now[0] += 500_000_000
    assert notifier.feed() == 2.0
    assert sock.recv(100) == b"WATCHDOG=1"
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(100)


@pytest.mark.parametrize(
    "environ", [{}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "8"}, {"WATCHDOG_USEC": "0"}]
)
def test_a_watchdog_that_is_not_ours_is_not_fed(systemd, environ):
    sock, name = systemd
    assert Notifier({"NOTIFY_SOCKET": name, **environ}, 7).feed() == 60.0
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(100)


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/notify", "WATCHDOG_USEC": "2"}])
def test_nobody_to_tell_is_no_fault(environ):
    notifier = Notifier(environ, 1)
    notifier.ready()
    notifier.reloading()
    notifier.stopping()
    assert notifier.feed() > 0
