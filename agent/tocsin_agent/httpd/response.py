"""Responses as bytes, and the choice of format and encoding."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REASONS = {
    100: "Continue",
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}
MOST_HEADERS = 64
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


def _remembered(decide: "Callable[[str], bool]") -> "Callable[[str], bool]":
    """Remember the answers to the few headers that come again and again. (functools costs 3 ms at the start.)"""
    known: dict[str, bool] = {}

    def remembered(header: str) -> bool:
        if header not in known:
            if len(known) >= MOST_HEADERS:
                known.clear()
            known[header] = decide(header)
        return known[header]

    return remembered


def head(status: int, headers: "Mapping[str, str]", length: int, *, keep_alive: bool) -> bytes:
    """The head of a response with a body of so many bytes."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if status != 204:
        lines.append(f"Content-Length: {length}")
    lines.append(time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime()))
    if not keep_alive:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


@_remembered
def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics 1.0 (or its draft 0.0.1, the same for what is sent here) to text."""
    openmetrics = text = 0.0
    for offer in accept.split(","):
        kind, *parameters = [part.strip().lower() for part in offer.split(";")]
        found = {name.strip(): value.strip(' "') for name, _, value in (item.partition("=") for item in parameters)}
        if kind == "application/openmetrics-text" and found.get("version", "1.0.0") in ("1.0.0", "0.0.1"):
            openmetrics = max(openmetrics, quality(found))
        elif kind in ("text/plain", "text/*", "*/*"):
            text = max(text, quality(found))
    return openmetrics > 0 and openmetrics >= text


@_remembered
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    for offer in accept_encoding.split(","):
        coding, _, parameters = offer.partition(";")
        if coding.strip().lower() in ("gzip", "x-gzip"):
            name, _, value = parameters.strip().partition("=")
            return quality({name.strip().lower(): value}) > 0
    return False


def quality(parameters: "Mapping[str, str]") -> float:
    """The weight ``q`` of an offer, 1 when it has none, 0 when it is no number."""
    text = parameters.get("q", "1").strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else 0.0


def gzip(body: bytes) -> bytes:
    """The body as gzip: level 1, and a window of 4 KiB, which is enough for lines that resemble their neighbours.

    The usual 32 KiB take 256 KiB of fresh memory a response, and a third more time, for the same bytes.
    """
    import zlib

    packer = zlib.compressobj(1, zlib.DEFLATED, 28, 6)
    return packer.compress(body) + packer.flush()
