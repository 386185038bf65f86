"""``python -m tests.agent.httpd.fuzz [COUNT] [SEED]``: odd requests against the parser and the states of a client.

Each input is one or more requests that were cut, doubled, mixed and sprinkled with bytes that parsers stumble over. It
is fed twice: as a whole, and in pieces. Both must tell the same requests and the same refusal; nothing but a refusal
may be raised; and what waits in memory is bounded.
"""

import random
import sys

from tocsin_agent.httpd.client import Client
from tocsin_agent.httpd.request import MAX_BODY_BYTES, MAX_HEAD_BYTES, BadRequest

SEEDS = [
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
    b"GET /metrics?collect[]=cpu&collect[]=stat HTTP/1.0\r\n\r\n",
    b"HEAD http://a:1/-/healthy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /v1/events HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: a\r\nX: \tb\t\r\n\r\n",
]
PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"\x80\xc3", b"\r\n\r\n", b"HTTP/1.1", b"HTTP/2.0", b"%",
    b"Host: b\r\n", b"Content-Length: 3\r\n", b"Content-Length: +3\r\n", b"content-length:\r\n", b"?", b"-1", b"GET ",
    b"Content-Length: 0x5\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: identity\r\n",
    b"Connection: keep-alive, close\r\n", b"X" * 300, b"A: b\r\n" * 120, b"/" * 2000, b" folded\r\n", b": \r\n",
    b"\xe2\x80\xa8",
]  # fmt: skip
STATUSES = {400, 411, 413, 431, 505}
MOST_IN = MAX_HEAD_BYTES + MAX_BODY_BYTES


def generated(draw: random.Random) -> bytes:
    """One input."""
    data = bytearray(b"".join(draw.choices(SEEDS, k=draw.randint(1, 3))))
    for _ in range(draw.randint(0, 6)):
        at = draw.randrange(len(data) + 1)
        match draw.randrange(5):
            case 0:
                data[at:at] = draw.choice(PIECES)
            case 1:
                del data[at : at + draw.randint(1, 20)]
            case 2:
                data[at : at + 1] = bytes([draw.randrange(256)])
            case 3:
                data[at:at] = data[at : at + draw.randint(1, 60)]
            case 4 if draw.random() < 0.02:
                data[at:at] = b"y" * MAX_HEAD_BYTES
    return bytes(data)


def told(data: bytes, sizes: list[int]) -> tuple[list[tuple[str, str, str, bytes]], int]:
    """The requests of an input that comes in pieces of these sizes, and the status of its refusal, 0 without one."""
    client, found, number = Client(), [], 0
    while data:
        size = sizes[number % len(sizes)]
        number += 1
        client.feed(data[:size])
        data = data[size:]
        while True:
            assert len(client.inbox) <= MOST_IN
            try:
                request = client.take()
            except BadRequest as refusal:
                return found, _sound(refusal)
            if request is None:
                break
            assert request.path.startswith("/")
            assert request.length == len(request.body) <= MAX_BODY_BYTES
            found.append((request.method, request.path, request.query, request.body))
            client.answer(b"x")
            client.outbox.clear()
            if client.sent():
                return found, 0
    return found, 0


def _sound(refusal: BadRequest) -> int:
    assert refusal.status in STATUSES
    assert str(refusal)
    return refusal.status


def fuzz(count: int, seed: int) -> dict[int, int]:
    """Feed so many inputs; how often each refusal came, 0 for none. Raises AssertionError with the input."""
    draw = random.Random(seed)
    seen: dict[int, int] = {}
    for _ in range(count):
        data = generated(draw)
        try:
            whole, refusal = told(data, [max(len(data), 1)])
            pieces, again = told(data, [draw.randint(1, 40) for _ in range(5)])
            assert pieces == whole
            assert refusal == again
        except Exception as fault:
            raise AssertionError(f"seed {seed}: {len(data)} bytes {data!r:.2000}: {fault!r}") from fault
        seen[refusal] = seen.get(refusal, 0) + 1
    return seen


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    start = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
    print(f"{total} inputs, seed {start}: {dict(sorted(fuzz(total, start).items()))}")
