"""Questions to one configured server: GETs with its credentials and its authority, and one clear line when it fails."""

import asyncio
import base64
import json
import os
import ssl
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tocsin_collector.fleet.address import AddressError, address
from tocsin_collector.fleet.scrape import Answer, ScrapeError, fetch, post

TIMEOUT_S = 4.0
_MAX_BYTES = 8 << 20


class Unanswered(Exception):  # noqa: N818  # it is the server's fault, and told as it is
    """The server did not answer as it should; the message is one line that says why and where to look.

    ``foreign``: what answers seems to be another product.
    """

    def __init__(self, message: str, *, foreign: bool = False) -> None:
        super().__init__(message)
        self.foreign = foreign


def shown(url: str) -> str:
    """The address of a server without what it may hold of secrets; empty for what is no http(s) address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    netloc = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{netloc}{parts.path}".rstrip("/") if parts.scheme in ("http", "https") else ""


@dataclass(frozen=True, slots=True)
class Access:
    """How a server is reached. ``name`` is its table in the configuration, for what to look at."""

    name: str
    url: str
    token_file: str = ""
    username: str = ""
    password_file: str = ""
    ca_file: str = ""

    @property
    def shown(self) -> str:
        """The address without what it may hold of secrets."""
        return shown(self.url)

    @property
    def known(self) -> bool:
        """Whether it is given credentials."""
        return bool(self.token_file or self.username)

    async def get(self, path: str, timeout_s: float = TIMEOUT_S) -> bytes:
        """The body of an answer of status 200. Raises Unanswered."""
        try:
            at = address(self.shown + path)
            fields = ("Accept: application/json", *await asyncio.to_thread(self._credentials))
            context = await asyncio.to_thread(self._context) if at.tls else None
            return await fetch(at, timeout_s, _MAX_BYTES, fields=fields, context=context)
        except AddressError:
            raise Unanswered(f"{self.name}.url is no address: http://host:port expected") from None
        except ScrapeError as error:
            raise Unanswered(str(error) + self._hint(str(error)), foreign="the status 404" in str(error)) from None

    async def post(self, body: bytes, fields: Sequence[str], timeout_s: float) -> Answer:
        """The answer to what is sent to the server's own path and query, whatever its status. Raises Unanswered."""
        try:
            query = self.url.partition("#")[0].partition("?")[2]
            at = address(self.shown + (f"?{query}" if query else ""))
            fields = (*fields, *await asyncio.to_thread(self._credentials))
            context = await asyncio.to_thread(self._context) if at.tls else None
            return await post(at, body, timeout_s, fields, context)
        except AddressError:
            raise Unanswered(f"{self.name}.url is no address: http://host:port/path expected") from None
        except ScrapeError as error:
            raise Unanswered(str(error) + self._hint(str(error))) from None

    async def json(self, path: str) -> Any:
        """The document of an answer. Raises Unanswered."""
        body = await self.get(path)
        try:
            return await asyncio.to_thread(json.loads, body)
        except (ValueError, RecursionError):
            raise Unanswered(f"answers {path.partition('?')[0]}, but not in JSON", foreign=True) from None

    def _credentials(self) -> tuple[str, ...]:
        if self.token_file:
            return (f"Authorization: Bearer {self._secret('token_file', self.token_file)}",)
        if self.username:
            pair = f"{self.username}:{self._secret('password_file', self.password_file)}"
            return (f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}",)
        return ()

    def _secret(self, key: str, path: str) -> str:
        """The file's text, read each time: secrets are changed while we run."""
        try:
            with open(path, encoding="utf-8") as file:
                found = file.read().strip()
        except OSError as error:
            raise Unanswered(f"{self.name}.{key} {path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise Unanswered(f"{self.name}.{key} {path}: no UTF-8") from None
        if not found or not found.isprintable():
            raise Unanswered(f"{self.name}.{key} {path}: one line with the secret expected")
        return found

    def _context(self) -> ssl.SSLContext:
        try:
            return _contexts.of(self.ca_file)
        except (OSError, ssl.SSLError) as error:
            said = (error.strerror if not isinstance(error, ssl.SSLError) else "") or "no PEM certificate in it"
            raise Unanswered(f"{self.name}.ca_file {self.ca_file}: {said}") from None

    def _hint(self, said: str) -> str:
        if "status 401" in said or "status 403" in said:
            if self.known:
                return f"; look at {self.name}.{'token_file' if self.token_file else 'password_file'}"
            return f"; set {self.name}.username and {self.name}.password_file, or {self.name}.token_file"
        if "status 400" in said and self.shown.startswith("http:"):
            return f"; where it speaks TLS, {self.name}.url begins with https"
        if said.startswith("TLS failed") and ("certificate" in said or "issuer" in said):
            return f"; look at {self.name}.ca_file"
        return ""


async def told(product: str, asking: Awaitable[Any], *names: str) -> Any:
    """An answer that has a value at the names below each other. Raises Unanswered; so does another product's answer."""
    try:
        found = answer = await asking
        for name in names:
            found = found[name]
        return answer
    except (KeyError, TypeError, IndexError):
        raise Unanswered(f"answers, but is no {product}: no {'.'.join(names)} in what it says") from None
    except Unanswered as error:
        raise (Unanswered(f"answers, but is no {product}: {error}") if error.foreign else error) from None


class _Contexts:
    """TLS contexts by the file of their authority: to make one reads the system's authorities, 20 ms of CPU."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[int, ssl.SSLContext]] = {}

    def of(self, ca_file: str) -> ssl.SSLContext:
        """The context of a file as it is now, or of the system's authorities. Raises OSError, ssl.SSLError."""
        stamp = os.stat(ca_file).st_mtime_ns if ca_file else 0
        made = self._made.get(ca_file)
        if made is None or made[0] != stamp:
            made = stamp, ssl.create_default_context(cafile=ca_file or None)
            self._made[ca_file] = made
        return made[1]


_contexts = _Contexts()
