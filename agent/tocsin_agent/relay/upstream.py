"""A keep-alive HTTP/1.1 client for one server, on a plain socket (http.client costs 6.6 MiB, urllib.request 8.5).

It speaks what the agent needs: requests with a body of known length; answers with a length, in chunks, or until the
end of the connection (RFC 9112, sections 6 and 7).
"""

from tocsin_agent.relay.credentials import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from io import BufferedReader

CONNECT_S = 3.0
ANSWER_S = 20.0
MAX_LINE = 65_536
MAX_HEADERS = 200
MAX_ANSWER = 16 << 20


class UpstreamError(OSError):
    """The server cannot be reached, does not answer in time, or does not speak HTTP. The request may have arrived."""


class Answer:
    """What the server answered; header names are lower case."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Address:
    """``http://host:port/prefix`` in its parts. Raises ValueError, saying what would be right."""

    def __init__(self, url: str) -> None:
        scheme, separator, rest = url.strip().partition("://")
        authority, _, path = rest.partition("/")
        host, _, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
        if not host:
            host, port = authority, ""
        self.tls = scheme == "https"
        self.url = url
        self.host = host.strip("[]")
        self.authority = authority
        self.prefix = "/" + path.strip("/") if path.strip("/") else ""
        plain = authority.isascii() and authority.isprintable() and " " not in rest and "@" not in authority
        if scheme not in ("http", "https") or not separator or not self.host or not plain or not url.isascii():
            raise ValueError(f"{url!r}: an address like http://127.0.0.1:10301 expected")
        if port and not (port.isdigit() and 0 < int(port) < 65_536):
            raise ValueError(f"{url!r}: the port must be a number from 1 to 65535")
        self.port = int(port) if port else 443 if self.tls else 80


class Upstream:
    """One connection, opened when needed and kept while the server keeps it. Not thread-safe."""

    def __init__(
        self,
        address: Address,
        credentials: Credentials | None = None,
        *,
        connect_s: float = CONNECT_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._address = address
        self._credentials = credentials or Credentials()
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._socket: socket.socket | None = None
        self._reader: BufferedReader | None = None

    def post(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send one request and wait for its answer; an ``authorization`` of its own goes before ours.
        Raises UpstreamError.

        A kept connection that turns out to be closed is opened anew once: the request may then arrive twice, which
        every receiver of tocsin bears (blocks and records carry ids).
        """
        headers = self._authorized(headers)
        lines = [f"POST {self._address.prefix}{path} HTTP/1.1", f"host: {self._address.authority}"]
        lines += [f"{name}: {' '.join(value.split())}" for name, value in headers.items()]  # no line end can slip in
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "\r\n"]).encode("latin-1", "replace")
        kept = self._socket is not None
        try:
            return self._exchange(head, body)
        except (ConnectionError, EOFError) as error:
            self.close()
            if not kept:
                raise UpstreamError(f"{self._address.url}: {_reason(error)}") from None
        except (OSError, ValueError) as error:
            self.close()
            raise UpstreamError(f"{self._address.url}: {_reason(error)}") from None
        return self.post(path, headers, body)

    def _authorized(self, headers: dict[str, str]) -> dict[str, str]:
        try:
            return self._credentials.headers() | headers
        except (OSError, ValueError) as error:
            raise UpstreamError(f"{self._address.url}: no key to show: {_reason(error)}") from None

    def close(self) -> None:
        """Close the connection; the next request opens one."""
        if self._reader is not None:
            self._reader.close()
        if self._socket is not None:
            self._socket.close()
        self._socket = self._reader = None

    def _exchange(self, head: bytes, body: bytes) -> Answer:
        connection, reader = self._connection()
        try:
            connection.sendall(head)
            connection.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            # A server may refuse a body before it has read all of it; then its answer is waiting here.
            answer, _ = read_answer(reader)
            self.close()
            return answer
        answer, keep = read_answer(reader)
        if not keep:
            self.close()
        return answer

    def _connection(self) -> "tuple[socket.socket, BufferedReader]":
        if self._socket is None or self._reader is None:
            import socket  # who never sends anything does not pay for it

            opened = socket.create_connection((self._address.host, self._address.port), self._connect_s)
            self._socket = opened
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._address.tls:
                context = self._credentials.context()
                self._socket = context.wrap_socket(opened, server_hostname=self._address.host)
            self._socket.settimeout(self._answer_s)
            self._reader = self._socket.makefile("rb")
        return self._socket, self._reader


def read_answer(reader: "BufferedReader") -> tuple[Answer, bool]:
    """One answer, and whether the connection may be used again. EOFError: it ends early; ValueError: it is no HTTP."""
    status, headers, keep = _head(reader)
    while 100 <= status < 200:
        status, headers, keep = _head(reader)
    if status in (204, 304):
        return Answer(status, headers, b""), keep
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return Answer(status, headers, _chunks(reader)), keep
    if "content-length" in headers:
        return Answer(status, headers, _exactly(reader, _size(headers["content-length"], 10))), keep
    body = reader.read(MAX_ANSWER + 1)
    _size(str(len(body)), 10)
    return Answer(status, headers, body), False


def _head(reader: "BufferedReader") -> tuple[int, dict[str, str], bool]:
    version, _, rest = _line(reader).partition(" ")
    if version not in ("HTTP/1.0", "HTTP/1.1") or not (
        rest[:3].isdigit() and rest[:3].isascii() and len(rest[:3]) == 3
    ):
        raise ValueError(f"an HTTP/1.1 answer expected, found {version[:40]!r}")
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS):
        line = _line(reader)
        if not line:
            break
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    else:
        raise ValueError(f"an answer with more than {MAX_HEADERS} headers")
    closes = headers.get("connection", "").lower()
    return int(rest[:3]), headers, "close" not in closes and (version == "HTTP/1.1" or "keep-alive" in closes)


def _line(reader: "BufferedReader") -> str:
    line = reader.readline(MAX_LINE)
    if not line:
        raise EOFError("the connection was closed before the answer")
    if not line.endswith(b"\n"):
        raise ValueError("a line of the answer's head is cut off or too long")
    return line.decode("latin-1").rstrip("\r\n")


def _chunks(reader: "BufferedReader") -> bytes:
    parts: list[bytes] = []
    total = 0
    while size := _size(_line(reader).partition(";")[0].strip(), 16):
        total += size
        _size(str(total), 10)
        parts.append(_exactly(reader, size))
        _line(reader)
    while _line(reader):  # trailers
        pass
    return b"".join(parts)


def _size(text: str, base: int) -> int:
    if not text or not set(text) <= set("0123456789abcdefABCDEF"):
        raise ValueError(f"a length expected in the answer, found {text[:40]!r}")
    size = int(text[:20], base)
    if size > MAX_ANSWER:
        raise ValueError(f"an answer of more than {MAX_ANSWER} bytes")
    return size


def _exactly(reader: "BufferedReader", size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise EOFError("the connection was closed inside the answer")
    return data


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
