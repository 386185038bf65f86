"""uvicorn with our connections, our TLS and our signals."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator
from functools import partial

import uvicorn

from tocsin_collector.doors.connection import Connection, Room
from tocsin_collector.doors.gate import Gate
from tocsin_collector.doors.webfile import Renewed


def server(gate: Gate, room: Room) -> uvicorn.Server:
    """A server of what is behind a gate, which takes no signals."""
    encrypted = room.protection if room.protection and room.protection.encrypted else None
    logging.getLogger("uvicorn.error").addFilter(_worth_a_line)
    return _Server(
        uvicorn.Config(
            gate,
            http=partial(Connection, room, gate),  # type: ignore[arg-type]  # called, and never asked for its type
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            ssl_context_factory=(lambda *_: Renewed(encrypted)) if encrypted else None,
        )
    )


async def serve(gate: Gate, opened: socket.socket, room: Room) -> None:
    """Serve what is behind a gate on a listening socket until SIGTERM or Ctrl-C; a second one ends at once."""
    serving = server(gate, room)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        serving.force_exit, serving.should_exit = serving.should_exit, True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, room.protection.refresh if room.protection else _nothing)
    await serving.serve(sockets=[opened])


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would raise them again at the end, and a clean stop would look like a death."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Whether a line of uvicorn's is worth one in our log: any client can send what is no HTTP, or ask for another
    protocol, a thousand times a second."""
    return not str(record.msg).startswith(("Invalid HTTP request", "Unsupported upgrade", "No supported WebSocket"))


def _nothing() -> None:
    """SIGHUP without a ``web.yml``: nothing to read again, and no reason to die."""
