"""What a running collector says when it refuses, for people at a terminal."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import requests


def reason(answer: "requests.Response") -> str:
    """The reason in an answer's body, or the body where it is not in our form."""
    try:
        document = answer.json()
        told = document["error"]["reason"] if "error" in document else document["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.text
    return told if isinstance(told, str) else answer.text


def unreachable(url: str, error: Exception | None = None) -> str:
    """That nobody answers at an address, which is shown without its secrets; more where the failure of ``requests``
    says more."""
    host = urlsplit(url).netloc.rpartition("@")[2] or url
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        why = said.partition("certificate verify failed: ")[2].partition(" (_ssl")[0]
        return f"{host}: its certificate is not believed: {why}; --ca-file names the authority"
    if url.startswith("http:") and ("RemoteDisconnected" in said or "ConnectionResetError" in said):
        return f"{host} ends the connection without a word; where it speaks TLS, its address begins with https://"
    return f"no collector answers at {host}; start one with `tocsin up`, or name another with --collector"
