"""The names in a client's certificate, as ``client_allowed_sans`` writes them."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MISSING = "none of client_allowed_sans is in the client's certificate"


def named(certificate: "Mapping[str, Any] | None", allowed: "frozenset[str]") -> bool:
    """Whether a certificate, as ``getpeercert()`` gives it, has one of the names; no names allow any certificate."""
    names = (certificate or {}).get("subjectAltName", ())
    return not allowed or any(_canonical(kind, name) in allowed for kind, name in names)


def _canonical(kind: str, name: str) -> str:
    """A name as people write it: OpenSSL gives an IPv6 address in eight full groups."""
    if kind != "IP Address" or ":" not in name:
        return name
    import _socket

    return _socket.inet_ntop(_socket.AF_INET6, _socket.inet_pton(_socket.AF_INET6, name.strip()))
