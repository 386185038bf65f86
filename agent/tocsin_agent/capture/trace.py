"""The trace id of a request: W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_HEX = frozenset(b"0123456789abcdef")


def parse(header: bytes) -> str | None:
    """The trace id (32 hex digits) of a ``traceparent`` header, None when the header is not valid.

    ``00-<32 hex>-<16 hex>-<2 hex>``, lower case; ids of zeros and version ``ff`` are invalid. A later version may carry
    more behind a dash; version 00 may not.
    """
    version, trace, parent, flags = header[:2], header[3:35], header[36:52], header[53:55]
    if len(header) < 55 or not _HEX.issuperset(version + trace + parent + flags):
        return None
    if not header[2] == header[35] == header[52] == 0x2D or version == b"ff":
        return None
    if header[55:] and (version == b"00" or header[55] != 0x2D):
        return None
    if not trace.strip(b"0") or not parent.strip(b"0"):
        return None
    return trace.decode()


def from_headers(headers: "Iterable[tuple[bytes, bytes]]") -> str | None:
    """The trace id of a request's headers (names in lower case, as ASGI gives them); two traceparents are none."""
    found = [value for name, value in headers if name == b"traceparent"]
    return parse(found[0].strip()) if len(found) == 1 else None
