"""Agents of every temper, each on a free port of the loopback address."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

OK = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"


class Peer:
    """A server that answers each connection with what ``answer`` does to the socket."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._answer = answer
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self.ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(65_536)
                    self._answer(connection)
                except OSError:
                    pass

    def close(self) -> None:
        self.ended.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """Makes peers: ``peer(bytes)`` says them and closes; ``peer(callable)`` does what it likes."""
    made: list[Peer] = []

    def make(answer: bytes | Callable[[socket.socket], None]) -> Peer:
        found = Peer(answer if callable(answer) else lambda connection: connection.sendall(answer))
        made.append(found)
        return found

    yield make
    for each in made:
        each.close()
