"""Sources that look between scrapes: the loop calls them when it is time, and when an alarm wakes it."""

import os
import socket
import time

import pytest

from tests.agent.httpd.test_server import GET, until


class Sampler:
    """Looks at each turn; rings like a pressure alarm: a socket's out-of-band byte is POLLPRI too."""

    def __init__(self, wait_s):
        self.wait_s, self.looks, self.alarmed_by = wait_s, 0, []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.far = socket.create_connection(self._listener.getsockname())
        self.near, _ = self._listener.accept()

    def alarms(self):
        return (self.near.fileno(),)

    def alarmed(self, fd):
        self.alarmed_by.append(fd)
        self.near.recv(1, socket.MSG_OOB)

    def sample(self):
        self.looks += 1
        return self.wait_s

    def ring(self):
        self.far.send(b"!", socket.MSG_OOB)

    def close(self):
        for sock in (self._listener, self.near, self.far):
            sock.close()


@pytest.fixture
def sampler():
    made = []

    def make(wait_s):
        made.append(Sampler(wait_s))
        return made[-1]

    yield make
    for one in made:
        one.close()


def in_loop(server, samplers):
    done = []
    server.call(lambda: done.append(server.sample_with(samplers)))
    until(lambda: done)


def test_it_looks_at_the_pace_that_it_asks_for_while_clients_are_answered(server, connect, answer, sampler):
    one = sampler(0.02)
    in_loop(server, [one])
    begun, looks = time.monotonic(), one.looks
    sock = connect()
    for _ in range(5):
        until(lambda before=one.looks: one.looks > before)
        sock.sendall(GET)
        assert answer(sock)[0] == 200
    assert one.looks - looks <= 3 * 5 + (time.monotonic() - begun) / 0.02 + 2


def test_an_alarm_wakes_the_loop_and_is_told_which(server, sampler):
    one = sampler(3600.0)
    in_loop(server, [one])
    for count in (1, 2):
        one.ring()
        until(lambda count=count: len(one.alarmed_by) == count)
    assert set(one.alarmed_by) == {one.near.fileno()}


def test_another_configuration_ends_the_old_alarms(server, sampler):
    old, new = sampler(3600.0), sampler(3600.0)
    in_loop(server, [old])
    in_loop(server, [new])
    old.close()
    new.ring()
    until(lambda: new.alarmed_by)
    assert not old.alarmed_by


def test_an_alarm_that_will_never_ring_again_is_let_go(server, connect, answer, sampler):
    one = sampler(3600.0)
    in_loop(server, [one])
    one.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    one.far.close()  # a reset: POLLERR and POLLHUP for ever
    looks = one.looks
    sock = connect(GET)
    assert answer(sock)[0] == 200
    until(lambda: one.looks > looks)
    assert one.looks < looks + 10
    assert os.fstat(one.near.fileno())
