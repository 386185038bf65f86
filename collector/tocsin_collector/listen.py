"""The socket that a service listens on, opened before anything else is built."""

import ipaddress
import socket


class ListenError(Exception):
    """The address cannot be listened on; the message says why and what to try."""


def address(text: str) -> tuple[str, int]:
    """Host, "" for every address, and port. Raises ListenError."""
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
        raise ListenError(f"listen: {text!r:.80} is no ADDRESS:PORT, such as 127.0.0.1:10301")
    return host.strip("[]"), int(port)


def listen(text: str) -> socket.socket:
    """Open ``ADDRESS:PORT`` (``[::1]:PORT`` for IPv6; port 0 takes a free one). Raises ListenError."""
    host, port = address(text)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: else the body of each answer on a kept
    # connection waits 40 ms for the client's delayed acknowledgement of the head.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise ListenError(f"listen: {text}: {error.strerror}; try another port, or 0 for a free one") from None
    opened.listen(1_024)
    return opened


def loopback(opened: socket.socket) -> bool:
    """Whether only this host reaches it."""
    return ipaddress.ip_address(opened.getsockname()[0]).is_loopback


def url(opened: socket.socket, scheme: str = "http") -> str:
    """The address of a listening socket as people type it."""
    host, port = opened.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if opened.family == socket.AF_INET6 else f"{scheme}://{host}:{port}"
