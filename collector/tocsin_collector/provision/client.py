"""One server's HTTP API: few endpoints, JSON, and for each way to fail one line that says what to do.

urllib is enough: grafana-client brings 36 MiB for the ten endpoints that are called. No redirect is followed: urllib
would turn a POST into a GET, and carry the credentials to another host.
"""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tocsin_collector.alarms.text import one_line
from tocsin_collector.provision.fault import ProvisionError, RefusedError

TIMEOUT_S = 15.0
PAUSES_S = (0.5, 1.0, 2.0)
"""Between the attempts at a server that is busy or restarting."""
LONGEST_PAUSE_S = 30.0
_MAX_BODY_BYTES = 64 << 20
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Login:
    """How a server is asked. ``table`` is its table in the configuration, and ``keys`` are the names of the settings
    that hold the credentials: both for messages."""

    server: str
    url: str
    table: str
    keys: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: its status, and its body as JSON, or as text where it is none."""

    status: int
    body: Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Client:
    """Asks one server. ``writes`` counts the requests that may have changed something there."""

    def __init__(
        self, login: Login, *, sleep: Callable[[float], None] = time.sleep, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.login = login
        self.writes = 0
        self._sleep = sleep
        self._timeout_s = timeout_s
        # No proxy of the environment: the servers are named by their own addresses, often on the same host.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({}), _NoRedirect()]
        if login.url.startswith("https:"):
            context = ssl.create_default_context(cafile=login.ca_file or None)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        self._opener = urllib.request.build_opener(*handlers)

    def ask(
        self,
        method: str,
        path: str,
        what: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        *,
        once: bool = False,
    ) -> Answer:
        """The answer to a request; ``what`` names it in messages ("create board tocsin-fleet").

        Tried again after 429 and 5xx (``Retry-After`` or a short pause later) and where nobody listens; not with
        ``once``.
        Raises RefusedError for any other status, ProvisionError where there is no answer.
        """
        for pause in (None,) if once else (*PAUSES_S, None):
            if method not in _READING:
                self.writes += 1
            try:
                return self._once(method, path, body, headers)
            except urllib.error.HTTPError as error:
                with error:
                    said = self._said(error)
                if pause is None or not _passes(error.code):
                    raise self._refused(error, said, what) from None
                self._sleep(_retry_after(error.headers.get("Retry-After"), pause))
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", error)
                if pause is None or not isinstance(reason, ConnectionRefusedError):
                    self._unanswered(reason, what)
                self._sleep(pause)
        raise AssertionError

    def find(self, path: str, what: str) -> Any:
        """The JSON behind a GET, None when there is no such thing (404)."""
        try:
            return self.ask("GET", path, what).body
        except RefusedError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def _once(self, method: str, path: str, body: object, headers: Mapping[str, str] | None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        sent = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            **self.login.headers,
            **(headers or {}),
        }
        request = urllib.request.Request(self.login.url + path, data, sent, method=method)  # noqa: S310  # checked before
        with self._opener.open(request, timeout=self._timeout_s) as answer:
            raw = answer.read(_MAX_BODY_BYTES)
            if answer.length:  # with a limit, read() takes the end of the connection for the end of the answer
                raise http.client.IncompleteRead(raw, answer.length)
            return Answer(answer.status, _decoded(raw))

    def _said(self, error: urllib.error.HTTPError) -> str:
        """What a refusal's body says, short, in one line, without our own credentials."""
        try:
            body = _decoded(error.read(100_000))
        except (OSError, http.client.HTTPException):
            return ""
        said = body.get("message") or body.get("error") or "" if isinstance(body, dict) else body
        return self._clean(str(said)) if "<html" not in str(said)[:500].lower() else ""

    def _clean(self, text: str) -> str:
        for secret in self.login.secrets:
            text = text.replace(secret, "…")
        return one_line(text)[:300]

    def _refused(self, error: urllib.error.HTTPError, said: str, what: str) -> RefusedError:
        login = self.login
        quoted = f': "{said}"' if said else ""
        head = f"{login.server} at {login.url} answers {error.code} to {what}{quoted}"
        return RefusedError(f"{head}; {_advice(error, login, said)}", error.code, said)

    def _unanswered(self, reason: object, what: str) -> NoReturn:
        login = self.login
        where = f"{login.server} at {login.url}"
        if isinstance(reason, ssl.SSLCertVerificationError):
            trust = f"{login.table}.ca_file = {login.ca_file}" if login.ca_file else "the system's authorities"
            raise ProvisionError(
                f"{where}: its certificate is not trusted by {trust}: {reason.verify_message}; "
                f"set {login.table}.ca_file to the PEM file of its authority"
            ) from None
        if isinstance(reason, ssl.SSLError):
            raise ProvisionError(
                f"{where}: no TLS: {reason.reason or reason}; is {login.table}.url http:// or https://?"
            ) from None
        if isinstance(reason, TimeoutError):
            raise ProvisionError(
                f"{where} did not answer within {self._timeout_s:g} s to {what}; is it overloaded or hung? "
                "Run the command again when it answers"
            ) from None
        said = reason.strerror if isinstance(reason, OSError) and reason.strerror else self._clean(str(reason))
        raise ProvisionError(
            f"{where} does not answer to {what}: {said}; is it running, and is {login.table}.url right?"
        ) from None


def _passes(status: int) -> bool:
    """Whether a refusal may be over in a moment."""
    return status == http.client.TOO_MANY_REQUESTS or status >= http.client.INTERNAL_SERVER_ERROR


def _retry_after(header: str | None, pause: float) -> float:
    try:
        return min(max(float(header or ""), 0.0), LONGEST_PAUSE_S)
    except ValueError:
        return pause


def _advice(error: urllib.error.HTTPError, login: Login, said: str) -> str:
    if error.code == http.client.UNAUTHORIZED:
        none = f"set {login.table}.username and {login.table}.password_file, or {login.table}.token_file"
        return f"check {login.keys}" if login.keys else none
    if error.code == http.client.FORBIDDEN:
        return f"the account of {login.keys or 'nobody'} lacks the right to do so"
    if 300 <= error.code < 400:
        location = one_line(error.headers.get("Location") or "elsewhere").split("?", 1)[0][:200]
        return f"it redirects to {location}: set {login.table}.url to where it really is"
    if error.code == http.client.NOT_FOUND:
        return f"check {login.table}.url, with the path below which it is served"
    if error.code == http.client.CONFLICT:
        return "something of that name is there already: rename or remove it, and look at `tocsin provision plan`"
    if error.code == http.client.PRECONDITION_FAILED:
        return "somebody else changed it at the same time: look at `tocsin provision plan` and run the command again"
    if error.code == http.client.TOO_MANY_REQUESTS:
        return "it limits requests: run the command again later"
    if error.code >= http.client.INTERNAL_SERVER_ERROR:
        return f"it failed {len(PAUSES_S) + 1} times: see its log, then run the command again"
    if login.url.startswith("http:") and "https" in said.lower():
        return f"it speaks TLS: {login.table}.url must begin with https"
    return "tocsin's request does not suit it: is its version one that tocsin knows?"


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")
