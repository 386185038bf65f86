"""One POST of a block over a kept connection, and what its answer means."""

import os

from tocsin_agent.relay.credentials import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from http.client import HTTPConnection

TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 1 << 20
AGAIN = frozenset((401, 408, 425, 429))
"""Of the 4xx those that a later try may turn into a 2xx: an operator can mend a key that is wrong or revoked, and the
events wait for that. A right key that is not for this block (403) would hold up all those that it is for."""
NO_PLACE = b'"over_series"'
"""A 429 that no waiting ends: the model version is new, and its project has all of its series."""


class Refused(Exception):  # noqa: N818 - it names the answer
    """The endpoint will never take this block."""


class Again(Exception):  # noqa: N818 - it names the answer
    """The endpoint did not take the block now; ``after_s`` is what it asked to wait, 0 when it did not say."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Poster:
    """Posts blocks to one endpoint; used by one thread. The HTTP client is imported there, at the first block.

    ``TOCSIN_TOKEN_FILE`` names the file of the key to show, ``TOCSIN_CA_FILE`` that of the endpoint's authority,
    ``TOCSIN_CERT_FILE`` that of a client certificate and its key.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        shown = [os.environ.get(name, "") for name in ("TOCSIN_CA_FILE", "TOCSIN_CERT_FILE", "TOCSIN_TOKEN_FILE")]
        self._credentials = Credentials(*shown)
        self._connection: HTTPConnection | None = None

    def post(self, body: bytes, media_type: str) -> bytes:
        """The answer to a block that was taken. Raises Refused or Again."""
        from http.client import HTTPException

        fresh = self._connection is None
        try:
            status, after, answer = self._exchange(body, media_type)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            if not fresh and not isinstance(error, TimeoutError):
                return self.post(body, media_type)  # a kept connection that the other side has closed meanwhile
            raise Again(f"{type(error).__name__}: {error}") from None
        if 200 <= status < 300:
            return answer
        reason = f"{status} {answer[:300].decode('utf-8', 'replace')}"
        if 400 <= status < 500 and (status not in AGAIN or NO_PLACE in answer):
            raise Refused(reason)
        raise Again(reason, _seconds(after))

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def abandon(self) -> None:
        """In a forked child: close the descriptor only; the parent's connection lives on."""
        if self._connection is not None and self._connection.sock is not None:
            os.close(self._connection.sock.detach())

    def _exchange(self, body: bytes, media_type: str) -> tuple[int, str, bytes]:
        connection = self._connection = self._connection or self._connect()
        headers = {"Content-Type": media_type} | self._credentials.headers()
        connection.request("POST", self._path, body, headers)
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER_BYTES)
        if not response.isclosed():
            self.close()
        return response.status, response.headers.get("Retry-After", ""), answer

    def _connect(self) -> "HTTPConnection":
        from http.client import HTTPConnection, HTTPSConnection
        from urllib.parse import urlsplit

        parts = urlsplit(self._endpoint)
        host = parts.hostname or ""
        self._path = f"{parts.path}/v1/events"
        if parts.scheme == "https":
            return HTTPSConnection(host, parts.port, timeout=TIMEOUT_S, context=self._credentials.context())
        return HTTPConnection(host, parts.port, timeout=TIMEOUT_S)


def _seconds(text: str) -> float:
    """The seconds of a Retry-After; its other form, a date, is answered by our own back-off."""
    return min(float(text), 60.0) if text.isascii() and text.isdigit() else 0.0
