"""The official client and what its failures mean, in one line each.

It is used for its connections, TLS, credentials and the compatibility with server versions; bulk bodies are ours, since
``helpers.bulk`` costs more than everything else here together (``docs/decisions/0073``).
"""

import base64
import logging
import os
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tocsin_collector import oldest
from tocsin_collector.export.exposition import Sample
from tocsin_collector.logs.contract import Unusable
from tocsin_schema.metric import OVERFLOW
from tocsin_schema.metrics.elasticsearch import CODES

INSTALL = 'pip install "tocsin-collector[elasticsearch]"'
_HEADERS = {"accept": "application/json", "content-type": "application/json"}
_LONGEST_REASON = 300

try:
    import elastic_transport
    import elasticsearch
    import elasticsearch.serializer
except ImportError:
    raise Unusable(f"elasticsearch.urls needs the package elasticsearch: {INSTALL}") from None

# The client tells every request at INFO, each failure that we tell in words of our own, and the server's advice.
logging.getLogger("elastic_transport").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", category=elasticsearch.ElasticsearchWarning)


class Trouble(Exception):  # noqa: N818  # the server's or the configuration's, and told as it is
    """A request was not answered as it should be, in one line; it may have been carried out.

    ``status`` is None where nothing usable came back.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Access:
    """How the server is reached; ``urls`` as they are configured."""

    urls: tuple[str, ...]
    api_key_file: str = ""
    username: str = ""
    password_file: str = ""
    ca_file: str = ""
    shown: str = field(init=False)
    nodes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(_node(url) for url in self.urls))
        object.__setattr__(self, "shown", ", ".join(self.nodes))

    def secret(self) -> str:
        """The API key or the password as its file has it now, empty without one. Raises Trouble."""
        for key in ("api_key_file", "password_file"):
            path = getattr(self, key)
            if path:
                return _secret(f"elasticsearch.{key}", path)
        return ""


def _node(url: str) -> str:
    """An address as the client wants it, with its port. Raises Unusable."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Unusable(
            f"elasticsearch.urls: {url.rpartition('@')[2]!r:.100}: an address like https://es1:9200 expected"
        )
    if "@" in parts.netloc:
        raise Unusable("elasticsearch.urls: no password in an address: use elasticsearch.username and password_file")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port or (443 if parts.scheme == 'https' else 80)}{parts.path.rstrip('/')}"


def _secret(key: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            found = file.read().strip()
    except OSError as error:
        raise Trouble(f"{key} {path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Trouble(f"{key} {path}: no UTF-8") from None
    if not found or not found.isprintable() or (key.endswith("api_key_file") and not found.isascii()):
        raise Trouble(f"{key} {path}: one line with the secret expected")
    return found


class Connection:
    """Requests to the server, from any thread. Counts them by status; every failure is a Trouble."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.time) -> None:
        self.last_success_s: float | None = None
        self.bulk_s = 0.0
        self.access = access
        self._clock = clock
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._client: Any = None
        self._opened_with: tuple[str, float] | None = None

    def renew(self) -> None:
        """Open the client, or another when secret or authority have changed since. Raises Trouble."""
        access = self.access
        try:
            made_of = access.secret(), os.stat(access.ca_file).st_mtime if access.ca_file else 0.0
        except OSError as error:
            raise Trouble(f"elasticsearch.ca_file {access.ca_file}: cannot be read: {error.strerror}") from None
        if made_of != self._opened_with:
            old, self._client = self._client, _client(access, made_of[0])
            self._opened_with = made_of
            if old is not None:
                old.close()

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def version(self, timeout_s: float) -> str:
        """The server's version. Raises Trouble when it is another product, or too old."""
        try:
            told = self.ask("GET", "/", timeout_s=timeout_s)
        except Trouble as error:
            # An engine without the module of `GET /` still tells it of its nodes.
            if error.status not in (400, 405):
                raise
            told = self.ask("GET", "/_nodes/_local/http?filter_path=nodes.*.version", timeout_s=timeout_s)
        found = _version(told)
        numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
        if numbers < oldest.ELASTICSEARCH:
            raise Trouble(
                f"{self.access.shown} is Elasticsearch {found or 'of an unknown version':.40}: "
                f"{oldest.ELASTICSEARCH[0]}.{oldest.ELASTICSEARCH[1]} or newer is needed",
                200,
            )
        return found

    def bulk(self, body: bytes, timeout_s: float) -> Any:
        """The answer to a bulk request of creations. Raises Trouble."""
        headers = {"accept": "application/json", "content-type": "application/x-ndjson"}
        wanted = "errors,items.*.status,items.*.error,items.*._index"
        started = time.perf_counter()
        try:
            return self.ask(
                "POST", f"/_bulk?require_data_stream=true&filter_path={wanted}", body, timeout_s, headers=headers
            )
        finally:
            with self._lock:
                self.bulk_s += time.perf_counter() - started

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        timeout_s: float = 10.0,
        *,
        headers: Mapping[str, str] = _HEADERS,
    ) -> Any:
        """The document of an answer of status 2xx. Raises Trouble."""
        code = "none"
        try:
            if self._client is None:
                raise Trouble(f"{self.access.shown} was not reached yet")
            client = self._client.options(request_timeout=timeout_s)
            answer = client.perform_request(method, path, headers=headers, body=body)
            code = str(answer.meta.status)
            if isinstance(answer.body, str):
                raise Trouble(f"{self.access.shown} answers what is not JSON")
        except elasticsearch.UnsupportedProductError as error:
            code = str(error.meta.status)
            raise Trouble(
                f"{self.access.shown} answers, but is no Elasticsearch: it does not say `X-Elastic-Product`", 200
            ) from None
        except elasticsearch.ApiError as error:
            code = str(error.meta.status)
            raise Trouble(self._refusal(error), error.meta.status) from None
        except elastic_transport.TransportError as error:
            raise Trouble(f"{self.access.shown} {_failure(error, self.access.shown)}") from None
        finally:
            self._count(code)
        self.last_success_s = self._clock()
        return answer.body

    def samples(self) -> Iterator[Sample]:
        """The metrics of the requests."""
        with self._lock:
            for code, requests in sorted(self._requests.items()):
                yield Sample("tocsin_elasticsearch_requests_total", {"code": code}, requests)
            yield Sample("tocsin_elasticsearch_bulk_seconds_total", {}, self.bulk_s)
        if self.last_success_s is not None:
            yield Sample("tocsin_elasticsearch_last_success_timestamp_seconds", {}, self.last_success_s)

    def _count(self, code: str) -> None:
        with self._lock:
            self._requests[code if code in self._requests or len(self._requests) < CODES - 1 else OVERFLOW] += 1

    def _refusal(self, error: Any) -> str:
        status, shown = error.meta.status, self.access.shown
        if status == 401:
            keys = ("api_key_file", "password_file")
            given = next((key for key in keys if getattr(self.access, key)), "")
            hint = f"look at elasticsearch.{given}" if given else "it wants credentials: elasticsearch.api_key_file"
            return f"{shown} refuses who we are (401); {hint}"
        if status == 403:
            return f"{shown} forbids it (403): {_reason(error.body)}; look at the privileges of the API key or user"
        return f"{shown} answers {status}: {_reason(error.body)}"


class _Read(elasticsearch.serializer.JsonSerializer):
    """JSON, or the text that came in its place: a proxy's refusal may be of any type or of none, and the client's own
    reader would lose its status over that."""

    def loads(self, data: bytes) -> Any:
        try:
            return super().loads(data)
        except elastic_transport.SerializationError:
            return data.decode("utf-8", "replace")


def _client(access: Access, secret: str) -> Any:
    options: dict[str, Any] = {"max_retries": 0, "retry_on_timeout": False}
    options["serializers"] = dict.fromkeys(("application/json", "application/*", "text/*"), _Read())
    if access.ca_file:
        options["ca_certs"] = access.ca_file
    # The client's own way to a header knows ASCII only.
    if access.api_key_file:
        options["headers"] = {"authorization": f"ApiKey {secret}"}
    elif access.username:
        pair = f"{access.username}:{secret}".encode()
        options["headers"] = {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
    try:
        return elasticsearch.Elasticsearch(list(access.nodes), **options)
    except (OSError, ValueError) as error:  # what is in the authority's file, mostly
        raise Trouble(f"elasticsearch.ca_file {access.ca_file}: {error!s:.200}") from None


def _version(told: Any) -> str:
    if not isinstance(told, dict):
        return ""
    nodes = told.get("nodes")
    first = next(iter(nodes.values()), {}) if isinstance(nodes, dict) else told.get("version", {})
    found = first.get("number", first.get("version", "")) if isinstance(first, dict) else ""
    return str(found)


def _failure(error: Any, shown: str) -> str:
    if isinstance(error, elastic_transport.ConnectionTimeout):
        return "does not answer in time"
    said = _words(_innermost(error))
    if isinstance(error, elastic_transport.TlsError):
        hint = "; look at elasticsearch.ca_file" if "certificate" in said.lower() else ""
        return f"cannot be spoken to with TLS: {said}{hint}"
    # So a server ends a connection that does not begin with TLS; it says no word.
    cut = isinstance(_innermost(error), ConnectionResetError) and "http://" in shown
    return f"cannot be reached: {said}{'; where it speaks TLS, elasticsearch.urls begin with https' if cut else ''}"


def _words(error: BaseException) -> str:
    """The system's words for a failure."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:_LONGEST_REASON]


def _innermost(error: BaseException) -> BaseException:
    """A failure without the layers around it."""
    for _ in range(8):
        layers = (*getattr(error, "errors", ()), error.__cause__, getattr(error, "reason", None), *error.args)
        inner = next((layer for layer in layers if isinstance(layer, BaseException)), None)
        if inner is None:
            break
        error = inner
    return error


def _reason(body: Any) -> str:
    told = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(told, dict):
        told = f"{told.get('type', 'error')}: {told.get('reason', '')}"
    return " ".join(str(told or "").split())[:_LONGEST_REASON] or "nothing"
