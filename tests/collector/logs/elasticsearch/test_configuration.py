"""A server that is no Elasticsearch, too old, or does not know us: one clear line, and nothing is taken meanwhile."""

import base64
import contextlib
import json
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.collector.logs.elasticsearch.faults import PRODUCT, Answer, double, serving
from tests.servers.process import until
from tocsin_collector.logs import StoreError, Unusable
from tocsin_collector.logs.elasticsearch import Access, ElasticsearchStore, Pace
from tocsin_collector.logs.elasticsearch.connection import INSTALL
from tocsin_collector.logs.record import record

PACE = Pace(request_s=0.5, look_s=0.5, search_s=0.5, patience_s=0.4, grace_s=0.0, retry_s=0.05, watch_s=0.05)
RECORD = record(b'{"message":"m"}', 0)


def _json(status: int, document: object, **headers: str) -> Answer:
    return status, {**PRODUCT, **headers}, json.dumps(document).encode()


def _root(number: str) -> Answer:
    return _json(200, {"version": {"number": number}, "tagline": "You Know, for Search"})


def _error(status: int, type_: str, reason: str) -> Answer:
    return _json(status, {"error": {"type": type_, "reason": reason}, "status": status})


def _missing_rights(method: str, path: str, body: bytes) -> Answer:
    if path == "/":
        return _root("9.2.0")
    return _error(403, "security_exception", "action [indices:admin/template/put] is unauthorized")


OPENSEARCH = (200, {"content-type": "application/json"}, b'{"version":{"distribution":"opensearch","number":"3.1.0"}}')
PAGE = (200, {"content-type": "text/html"}, b"<h1>Welcome to nginx!</h1>")


@contextlib.contextmanager
def _store(url: str, folder: Path, **access: str) -> Iterator[ElasticsearchStore]:
    store = ElasticsearchStore(Access((url,), **access), "default", str(folder), pace=PACE)
    try:
        yield store
    finally:
        store.close()


def _told(store: ElasticsearchStore) -> str:
    until(lambda: "not reached yet" not in store.state().error, "the first look")
    up, _, error, _ = store.state()
    assert (up, "\n" in error) == (False, False)
    with pytest.raises(StoreError) as refused:
        store.add([RECORD]).result(5)
    with pytest.raises(StoreError):
        store.search("m")
    assert store.hosts() == []
    assert str(refused.value) == error
    return error


@pytest.mark.parametrize(
    ("say", "said"),
    [
        (lambda *_: _root("7.17.28"), r"is Elasticsearch 7\.17\.28: 8\.14 or newer is needed"),
        (lambda *_: _json(200, {}), r"of an unknown version: 8\.14 or newer"),
        (lambda *_: OPENSEARCH, "answers, but is no Elasticsearch"),
        (lambda *_: PAGE, "answers, but is no Elasticsearch"),
        (lambda *_: _error(401, "security_exception", "unable to authenticate"), r"\(401\); it wants credentials"),
        (_missing_rights, r"forbids it \(403\): security_exception: action .*template/put.*; look at the privileges"),
        (lambda *_: _error(503, "master_not_discovered_exception", "no master"), "answers 503: master_not_discovered"),
        (lambda *_: (200, PRODUCT, b'{"version": '), "answers what is not JSON"),
        (lambda *_: (502, {}, b"upstream is away"), "answers 502: upstream is away"),
        (lambda *_: (502, {}, b""), "answers 502: nothing"),
        (lambda *_: (503, {"content-type": "application/xml"}, b"<no/>"), "answers 503: <no/>"),
        (lambda *_: (504, {"content-type": "application/json"}, b"stopp\xe9"), "answers 504: stopp\ufffd"),
        (lambda *_: None, r"cannot be reached: Remote end closed connection without response; where it speaks TLS, "),
    ],
)
def test_each_wrong_server_has_its_line(
    say: Callable[[str, str, bytes], Answer | None], said: str, tmp_path: Path
) -> None:
    with double(say) as url, _store(url, tmp_path) as store:
        error = _told(store)
    assert error.startswith(url)
    assert re.search(said, error), error


def test_nobody_there_is_told_in_the_systems_words(tmp_path: Path) -> None:
    with _store("http://127.0.0.1:1", tmp_path) as store:
        assert _told(store) == "http://127.0.0.1:1 cannot be reached: Connection refused"


def test_a_server_that_hangs_does_not_hold_up_anybody(tmp_path: Path) -> None:
    over = threading.Event()
    with double(lambda *_: over.wait(5) and None) as url, _store(url, tmp_path) as store:
        assert _told(store) == f"{url} does not answer in time"
        over.set()


def test_a_wrong_key_is_named_and_a_new_one_is_taken_without_a_restart(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("d3Jvbmc6a2V5\n")
    seen: list[str | None] = []

    def say(request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        seen.append(request.headers["authorization"])
        if seen[-1] != "ApiKey Z29vZDprZXk=":
            return _error(401, "security_exception", "unable to authenticate")
        if request.path == "/":
            return _root("8.19.5")
        return _json(200 if request.command == "PUT" else 404, {"acknowledged": True})

    with serving(say) as url, _store(url, tmp_path, api_key_file=str(key)) as store:
        assert _told(store).endswith("refuses who we are (401); look at elasticsearch.api_key_file")
        assert seen[0] == "ApiKey d3Jvbmc6a2V5"
        key.write_text("Z29vZDprZXk=")
        until(lambda: store.state().up, "the new key is taken")
        assert store.state().error == ""
        assert store.version == "8.19.5"


def test_a_user_and_a_password_are_sent(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sésame\n")
    seen: list[str | None] = []

    def say(request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        seen.append(request.headers["authorization"])
        return _error(401, "security_exception", "unable to authenticate")

    with (
        serving(say) as url,
        _store(url, tmp_path, username="ann", password_file=str(tmp_path / "password")) as store,
    ):
        assert _told(store).endswith("look at elasticsearch.password_file")
    assert seen[0] == "Basic " + base64.b64encode("ann:sésame".encode()).decode()


def test_a_secret_that_cannot_be_read_is_said_by_its_file(tmp_path: Path) -> None:
    with _store("http://127.0.0.1:1", tmp_path, api_key_file=str(tmp_path / "none")) as store:
        assert _told(store) == f"elasticsearch.api_key_file {tmp_path}/none: cannot be read: No such file or directory"
    (tmp_path / "empty").touch()
    with _store("http://127.0.0.1:1", tmp_path, api_key_file=str(tmp_path / "empty")) as store:
        assert "one line with the secret expected" in _told(store)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(tmp_path / "ca.pem")]
    subprocess.run([*command, *more], check=True, capture_output=True)
    with path.open("a") as file:
        file.write((tmp_path / "ca.pem").read_text())
    return path


@pytest.fixture
def secured(certificate: Path) -> Iterator[str]:
    """A server behind TLS with a certificate of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = _root("7.0.0")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing is told."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_foreign_authority_is_said_and_the_right_one_is_taken(secured: str, tmp_path: Path) -> None:
    with _store(secured, tmp_path) as store:
        error = _told(store)
    assert "cannot be spoken to with TLS" in error
    assert error.endswith("; look at elasticsearch.ca_file")
    with _store(secured, tmp_path, ca_file=str(tmp_path / "ca.pem")) as store:
        assert "is Elasticsearch 7.0.0" in _told(store)
    (tmp_path / "no.pem").write_text("no certificate")
    with _store(secured, tmp_path, ca_file=str(tmp_path / "no.pem")) as store:
        assert re.search("no certificate or crl found.*; look at elasticsearch.ca_file", _told(store))
    with _store(secured, tmp_path, ca_file=str(tmp_path / "none.pem")) as store:
        assert "cannot be read: No such file" in _told(store)
    with _store(secured.replace("https", "http"), tmp_path) as store:
        assert _told(store).endswith("; where it speaks TLS, elasticsearch.urls begin with https")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost", "'localhost': an address like https://es1:9200 expected"),
        ("ftp://es1", "expected"),
        ("http://", "expected"),
        ("http://es1:port", "expected"),
        ("http://es1/?x=1", "expected"),
        ("https://ann:secret@es1:9200", "no password in an address"),
        ("nonsense:secret@es1", "'es1': an address"),
    ],
)
def test_an_address_that_can_never_work_is_said_at_the_start(url: str, said: str) -> None:
    with pytest.raises(Unusable) as caught:
        Access((url,))
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_gets_its_schemes_port_and_keeps_its_path() -> None:
    assert Access(("https://es1", "http://[::1]:9200/es/")).nodes == ("https://es1:443", "http://[::1]:9200/es")


_WITHOUT = "import sys; sys.modules['elasticsearch'] = None; from tocsin_collector.__main__ import main; main()"


@pytest.mark.system
def test_without_the_package_the_collector_says_what_to_install(tmp_path: Path) -> None:
    config = tmp_path / "collector.toml"
    config.write_text(f'listen = "127.0.0.1:0"\ndata_dir = "{tmp_path}"\nelasticsearch.urls = ["http://es:9200"]\n')
    command = [sys.executable, "-c", _WITHOUT, "collector", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (
        78,
        f"tocsin collector: elasticsearch.urls needs the package elasticsearch: {INSTALL}\n",
    )
