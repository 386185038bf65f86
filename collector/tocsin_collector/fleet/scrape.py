"""One scrape: a GET with one deadline for all of it and a bound on the answer's size.

HTTP/1.0, so that a server closes when it has said all and nothing is chunked. asyncio's streams instead of a thread
with socket timeouts: a peer that sends one byte a second never trips those, the deadline of a task it does.
"""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import NamedTuple

from tocsin_collector.fleet.address import Address

MAX_BYTES = 16 << 20
_HEAD_BYTES = 32_768
_resolvers = ThreadPoolExecutor(8, thread_name_prefix="resolver")


class ScrapeError(Exception):
    """A scrape that brought nothing. ``outcome`` is one of unreachable, timeout, status, too_large, malformed."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


async def fetch(
    agent: Address,
    timeout_s: float,
    max_bytes: int = MAX_BYTES,
    *,
    fields: Sequence[str] = ("Accept: text/plain;version=0.0.4",),
    context: ssl.SSLContext | None = None,
) -> bytes:
    """The body of an agent's answer; ``fields`` are further ones of the request's header. Raises ScrapeError."""
    with _failures(timeout_s):
        async with asyncio.timeout(timeout_s):
            return await _fetch(agent, max_bytes, fields, context)


@contextmanager
def _failures(timeout_s: float) -> Iterator[None]:
    """Says in one line what went wrong on the way."""
    try:
        yield
    except TimeoutError:
        raise ScrapeError("timeout", f"no whole answer within {timeout_s:g} s") from None
    except ssl.SSLError as error:
        said = getattr(error, "verify_message", "") or error.reason or error
        raise ScrapeError("unreachable", f"TLS failed: {said}") from None
    except (OSError, EOFError) as error:
        number = getattr(error, "errno", None)
        said = os.strerror(number) if number and number > 0 else getattr(error, "strerror", "") or str(error)
        raise ScrapeError("unreachable", f"no connection: {said}") from None


async def _fetch(agent: Address, max_bytes: int, fields: Sequence[str], context: ssl.SSLContext | None) -> bytes:
    async with _exchange(agent, _request(agent, fields), context) as reader:
        length = _length(await _head(reader))
        if length is not None and length > max_bytes:
            raise ScrapeError("too_large", f"the answer has {length} bytes, at most {max_bytes} are read")
        return await _body(reader, length, max_bytes)


@asynccontextmanager
async def _exchange(
    server: Address, request: bytes, context: ssl.SSLContext | None
) -> AsyncIterator[asyncio.StreamReader]:
    """Where the answer to a request is read."""
    tls = (context or ssl.create_default_context()) if server.tls else None
    reader, writer = await _connected(server, tls)
    try:
        writer.write(request)
        await writer.drain()
        yield reader
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


class Answer(NamedTuple):
    """What a server answered: status, header fields by their lower-case names, and the beginning of the body."""

    status: int
    headers: dict[str, str]
    text: str


async def post(
    server: Address, body: bytes, timeout_s: float, fields: Sequence[str], context: ssl.SSLContext | None = None
) -> Answer:
    """The answer to a POST, whatever its status. Raises ScrapeError."""
    request = _request(server, (f"Content-Length: {len(body)}", *fields), "POST") + body
    with _failures(timeout_s):
        async with asyncio.timeout(timeout_s), _exchange(server, request, context) as reader:
            status, headers = _parsed(await _head(reader))
            text = await reader.read(_HEAD_BYTES)
            return Answer(int(status[0]), headers, text.decode("utf-8", "replace"))


async def _connected(agent: Address, tls: ssl.SSLContext | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first of the host's addresses that takes one."""
    refusal: OSError | None = None
    for address in await _resolved(agent.host):
        try:
            return await asyncio.open_connection(
                address, agent.port, ssl=tls, server_hostname=agent.host if tls else None, limit=_HEAD_BYTES,
                # A TLS peer that hangs would hold up the close for half a minute.
                ssl_shutdown_timeout=1.0 if tls else None,
            )  # fmt: skip
        except ssl.SSLError:
            raise
        except OSError as error:
            refusal = refusal or error
    raise refusal or OSError(f"{agent.host} has no address")


async def _resolved(host: str) -> list[str]:
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    # A name server that hangs takes threads for half a minute each: not those that the rest of the collector shares.
    asking = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(_resolvers, asking)
    except UnicodeError:
        raise OSError(f"{host[:80]!r} is no name of a host") from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def _request(agent: Address, fields: Sequence[str], method: str = "GET") -> bytes:
    host = f"[{agent.host}]" if ":" in agent.host else agent.host
    lines = (
        f"{method} {agent.path} HTTP/1.0",
        f"Host: {host}:{agent.port}",
        "User-Agent: tocsin-collector",
        "Connection: close",
        *fields,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise ScrapeError("malformed", "answers, but not in HTTP: no end of the header") from None
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ScrapeError("malformed", f"answers, but not in HTTP: {error.partial[:40]!r}") from None
        raise ScrapeError("unreachable", "closed the connection without an answer") from None


def _length(head: bytes) -> int | None:
    status, headers = _parsed(head)
    if status[0] != "200":
        raise ScrapeError("status", f"answers with the status {' '.join(status)[:80]}")
    if "chunked" in headers.get("transfer-encoding", ""):
        raise ScrapeError("malformed", "answers in chunks to an HTTP/1.0 request")
    length = headers.get("content-length", "").strip()
    return int(length) if length.isdecimal() and len(length) < 20 else None


def _parsed(head: bytes) -> tuple[list[str], dict[str, str]]:
    """The status with its words, and the fields."""
    status, _, fields = head.decode("latin-1").partition("\r\n")
    words = status.split(" ", 2)
    if not words[0].startswith("HTTP/1.") or len(words) < 2 or not words[1].isdigit():
        raise ScrapeError("malformed", f"answers, but not in HTTP: {status[:40]!r}")
    pairs = [line.lower().split(":", 1) for line in fields.splitlines() if ":" in line]
    return words[1:], {name: value.strip() for name, value in pairs}


async def _body(reader: asyncio.StreamReader, length: int | None, max_bytes: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while length is None or size < length:
        chunk = await reader.read(65_536)
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
        if size > max_bytes:
            raise ScrapeError("too_large", f"the answer has more than {max_bytes} bytes")
    if length is not None and size < length:
        raise ScrapeError("malformed", f"the answer ends after {size} of {length} bytes")
    return b"".join(chunks)
