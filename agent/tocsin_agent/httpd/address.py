"""``ADDR:PORT`` as people write it."""


def parse(listen: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:10300``, ``[::1]:10300``, ``localhost:0`` or ``:10300`` (every address).

    Raises ValueError with what would be right.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"ADDRESS:PORT expected, as in 127.0.0.1:10300, found {listen!r:.80}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"an IPv6 address in brackets expected, as in [::1]:10300, found {listen!r:.80}")
    return host or "0.0.0.0", int(port)  # noqa: S104 (an empty address asks for all of them)


def url(host: str, port: int) -> str:
    """The address as a client writes it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
