"""A request's head, parsed by RFC 9112 and nothing looser: what is ambiguous is refused."""

MAX_HEAD_BYTES = 16_384
MAX_HEADERS = 100
MAX_BODY_BYTES = 16 << 20

TLS_HANDSHAKE, CARRIAGE_RETURN = 0x16, 0x0D
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_FORBIDDEN = frozenset(range(32)) - {9} | {127}


class BadRequest(Exception):  # noqa: N818 (it is the name of the status)
    """A request that is refused: its status, and the reason as the body."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Request:
    """One request. ``headers`` have lower-case names; ``path`` has neither query nor authority."""

    __slots__ = ("body", "headers", "keep_alive", "length", "method", "path", "query")

    def __init__(self, method: str, target: str, headers: dict[str, str], version: str) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = b""
        self.length = _length(headers)
        options = headers.get("connection", "").lower()
        self.keep_alive = "close" not in options if version == "HTTP/1.1" else "keep-alive" in options

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} {len(self.body)}/{self.length}>"


def check_start(first: int) -> None:
    """Raises BadRequest for a byte that begins no request: whoever speaks TLS here would wait for an answer to it."""
    if first == TLS_HANDSHAKE:
        raise BadRequest(400, "this address speaks http, not https")
    if first not in _TOKEN and first != CARRIAGE_RETURN:
        raise BadRequest(400, "a request line `METHOD /path HTTP/1.1` expected")


def parse(head: bytes) -> Request:
    """The request whose head this is, without the empty line that ends it. Raises BadRequest."""
    lines = head.split(b"\r\n")
    method, target, version = _request_line(lines[0])
    headers = _headers(lines[1:])
    if version == "HTTP/1.1" and "host" not in headers:
        raise BadRequest(400, "HTTP/1.1 needs a Host header")
    return Request(method, target, headers, version)


def _request_line(line: bytes) -> tuple[str, str, str]:
    parts = line.split(b" ")
    if len(parts) != 3 or not parts[0] or not _TOKEN.issuperset(parts[0]) or not _printable(parts[1]):
        raise BadRequest(400, "a request line `METHOD /path HTTP/1.1` expected")
    version = parts[2].decode("ascii", "replace")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise BadRequest(505 if version.startswith("HTTP/") else 400, "HTTP/1.1 or HTTP/1.0 expected")
    return parts[0].decode("ascii"), _origin_form(parts[1].decode("ascii")), version


def _printable(target: bytes) -> bool:
    return bool(target) and target.isascii() and min(target) > 32 and max(target) < 127


def _origin_form(target: str) -> str:
    """The path and query of a target; a proxy's absolute form loses its authority (RFC 9112, 3.2.2)."""
    if target.lower().startswith("http://"):
        rest = target[7:]
        return rest[rest.find("/") :] if "/" in rest else "/"
    if target[0] != "/":
        raise BadRequest(400, "a path that begins with / expected")
    return target


def _headers(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > MAX_HEADERS:
        raise BadRequest(431, f"at most {MAX_HEADERS} headers expected")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        text = value.strip(b" \t").decode("latin-1")
        # The first half of each test is the usual case, at a tenth of the cost of the second.
        plain_name = name.replace(b"-", b"").isalnum() or (name and _TOKEN.issuperset(name))
        if not colon or not plain_name or not (text.isprintable() or _FORBIDDEN.isdisjoint(value)):
            raise BadRequest(400, "headers `Name: value` expected, without control characters or folding")
        key = name.decode("ascii").lower()
        if key in ("host", "content-length") and headers.get(key, text) != text:
            raise BadRequest(400, f"one {key} header expected")
        headers[key] = text if key in ("host", "content-length") or key not in headers else f"{headers[key]}, {text}"
    return headers


def _length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(411, "Content-Length expected: this server reads no chunked bodies")
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(400, "a Content-Length in decimal digits expected")
    length = int(text) if len(text) < 20 else MAX_BODY_BYTES + 1
    if length > MAX_BODY_BYTES:
        raise BadRequest(413, f"a body of at most {MAX_BODY_BYTES} bytes expected; send it in parts")
    return length
