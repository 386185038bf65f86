"""One ``web.yml`` before our server and before exporter-toolkit, as node_exporter has it: is it taken, who gets in."""

import contextlib
import os
import select
import socket
import ssl
import subprocess
import urllib.request
import warnings
from base64 import b64encode
from collections.abc import Iterator

import pytest

from tests.agent.web.conftest import ALICE, BOB
from tests.agent.web.test_webconfig import BAD, CERT, GOOD, VERIFY
from tests.servers import node_exporter
from tests.servers.process import free_port
from tocsin_schema.web.webconfig import read

pytestmark = [pytest.mark.system, pytest.mark.timeout(60, func_only=True)]

DECIDED = (b"TLS is enabled", b"TLS is disabled")
"""What it says once it has taken the file."""


class Toolkit:
    """A node_exporter over a file; ``taken`` says whether it serves."""

    def __init__(self, program: str, path: str, pki) -> None:
        self.address = "127.0.0.1", free_port()
        listen = f"--web.listen-address=127.0.0.1:{self.address[1]}"
        command = [program, listen, "--collector.disable-defaults", f"--web.config.file={path}"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        self.pki, self.said = pki, b""
        while not any(word in self.said for word in DECIDED):
            ready, _, _ = select.select([self.process.stderr], [], [], 20)
            part = os.read(self.process.stderr.fileno(), 65_536) if ready else b""
            if not part:
                break
            self.said += part
        self.taken = any(word in self.said for word in DECIDED)
        self.encrypted = DECIDED[0] in self.said

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def toolkit(node_exporter_program, pki) -> Iterator:
    started: list[Toolkit] = []

    def start(path: str) -> Toolkit:
        started.append(Toolkit(node_exporter_program, path, pki))
        return started[-1]

    start.later = not node_exporter.version(node_exporter_program).startswith("1.5")
    yield start
    for one in started:
        one.close()


LATER_KEYS = ("rate_limit", "client_allowed_sans", "cert: |")
"""What node_exporter 1.5 does not know."""
DIFFERENT = {
    "a policy that Python cannot": "decision 0018",
    "a blank header": "its documentation says that blank is unset, and its program refuses it",
    "an authority that is none": "it starts, and nobody can come in",
    "names that nobody must show": "it starts, and who shows no certificate comes in",
    "versions upside down": "it starts, and nobody can come in",
    "a header in two lines": "it starts, and its answers have a header that nobody wrote",
    "a user with a colon": "it starts, and that user cannot come in",
    "no number": "it starts, and the rate is none",
}
"""Where we differ: but for the first two, a fault is told at the start and not found by who is shut out."""


@pytest.mark.parametrize("name", [*GOOD, *BAD])
def test_what_it_takes_we_take_and_what_it_refuses_we_refuse(toolkit, web_yml, name):
    text = GOOD[name] if name in GOOD else BAD[name][0]
    if not toolkit.later and any(key in text for key in LATER_KEYS):
        pytest.skip("node_exporter 1.5 does not know of it")
    path = web_yml(text)
    one = toolkit(path)
    assert (one.taken == (not read(path)[1])) == (name not in DIFFERENT), one.said.decode()


REFUSED = "no connection"
USERS = f"basic_auth_users:\n  alice: {ALICE}\n  bob: {BOB}\n"
INLINE = "an inline certificate"
ONE_SUITE = CERT + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n"
ONE_CURVE = CERT + "  curve_preferences: [CurveP521]\n"
IF_GIVEN = CERT + VERIFY.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
NAMED = CERT + VERIFY + "  client_allowed_sans: "
CASES = {
    "no file's wish": ("", {"plain": True}, 200),
    "TLS where there is none": ("", {}, REFUSED),
    "plain where there is TLS": (CERT, {"plain": True}, 400),
    "TLS": (CERT, {}, 200),
    "a certificate in the file": (INLINE, {}, 200),
    "a version that is too old": (CERT, {"version": ssl.TLSVersion.TLSv1_1}, REFUSED),
    "a version below the least": (CERT + "  min_version: TLS13\n", {"version": ssl.TLSVersion.TLSv1_2}, REFUSED),
    "a version above the most": (CERT + "  max_version: TLS12\n", {"version": ssl.TLSVersion.TLSv1_3}, REFUSED),
    "a suite of both": (ONE_SUITE, {"suites": "ECDHE-ECDSA-AES128-GCM-SHA256"}, 200),
    "no suite of both": (ONE_SUITE, {"suites": "ECDHE-ECDSA-AES256-GCM-SHA384"}, REFUSED),
    "a curve of both": (ONE_CURVE, {"curve": "secp521r1"}, 200),
    "no curve of both": (ONE_CURVE, {"curve": "secp384r1"}, REFUSED),
    "a certificate that is required": (CERT + VERIFY, {"client": "client"}, 200),
    "none where one is required": (CERT + VERIFY, {}, REFUSED),
    "one of another authority": (CERT + VERIFY, {"client": "stranger"}, REFUSED),
    "none where one may be given": (IF_GIVEN, {}, 200),
    "one that is given": (IF_GIVEN, {"client": "client"}, 200),
    "one that is given, of another authority": (IF_GIVEN, {"client": "stranger"}, REFUSED),
    "one that is asked for and not given": (CERT + "  client_auth_type: RequestClientCert\n", {}, 200),
    "a name that is allowed": (NAMED + "[other.example, scraper.example]\n", {"client": "client"}, 200),
    "an address that is allowed": (NAMED + "[10.0.0.1]\n", {"client": "client"}, 200),
    "a name that is not allowed": (NAMED + "[other.example]\n", {"client": "client"}, REFUSED),
    "no password": (USERS, {"plain": True}, 401),
    "the password": (USERS, {"plain": True, "user": "alice:wonderland"}, 200),
    "another user's password": (USERS, {"plain": True, "user": "bob:wonderland"}, 401),
    "an unknown user": (USERS, {"plain": True, "user": "mallory:wonderland"}, 401),
    "a password that is not ASCII": (USERS, {"plain": True, "user": "bob:bücher"}, 200),
    "an empty list of users": ("basic_auth_users:\n", {"plain": True}, 200),
    "no password under TLS": (CERT + USERS, {}, 401),
    "the password under TLS": (CERT + USERS, {"user": "alice:wonderland"}, 200),
    "a certificate without the password": (CERT + VERIFY + USERS, {"client": "client"}, 401),
    "a certificate and the password": (CERT + VERIFY + USERS, {"client": "client", "user": "bob:bücher"}, 200),
}


def asked(address, pki, *, plain=False, user="", client="", version=None, suites="", curve="") -> object:
    """The status that a client gets, or REFUSED."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a version that is too old
        context = ssl.create_default_context(cafile=pki.path("ca.pem"))
        if version or suites:
            context.minimum_version = context.maximum_version = version or ssl.TLSVersion.TLSv1_2
    if suites:
        context.set_ciphers(suites)
    if curve:
        context.set_ecdh_curve(curve)
    if client:
        context.load_cert_chain(
            *(pki.stranger if client == "stranger" else map(pki.path, ("client.pem", "client.key")))
        )
    try:
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(socket.create_connection(address, timeout=10))
            if not plain:
                sock = stack.enter_context(context.wrap_socket(sock, server_hostname="localhost"))
            credentials = f"Authorization: Basic {b64encode(user.encode()).decode()}\r\n" if user else ""
            sock.sendall(f"GET /metrics HTTP/1.1\r\nHost: localhost\r\n{credentials}\r\n".encode())
            line = sock.recv(4096)
    except (ssl.SSLError, ConnectionError):
        return REFUSED
    return int(line.split(b" ", 2)[1]) if line.startswith(b"HTTP/") else REFUSED


def written(text: str, pki) -> str:
    if text != INLINE:
        return text
    parts = []
    for key, name in (("cert", "server.pem"), ("key", "server.key")):
        with open(pki.path(name), encoding="ascii") as file:
            parts.append(f"  {key}: |\n" + "".join(f"    {line}" for line in file))
    return "tls_server_config:\n" + "".join(parts)


@pytest.mark.parametrize("name", CASES)
def test_who_comes_in_there_comes_in_here(toolkit, protected, pki, web_yml, name):
    text, client, expected = CASES[name]
    text = written(text, pki)
    ours = protected(text).server
    assert asked((ours.host, ours.port), pki, **client) == expected
    if not toolkit.later and any(key in text for key in LATER_KEYS):
        pytest.skip("node_exporter 1.5 does not know of it")
    theirs = toolkit(web_yml(text))
    assert theirs.taken, theirs.said.decode()
    assert asked(theirs.address, pki, **client) == expected


def test_the_rate_is_the_same(toolkit, protected, pki, web_yml):
    text = "rate_limit:\n  interval: 1h\n  burst: 3\n"
    ours = protected(text).server
    statuses = [asked((ours.host, ours.port), pki, plain=True) for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    if not toolkit.later:
        pytest.skip("node_exporter 1.5 does not know of it")
    theirs = toolkit(web_yml(text))
    assert [asked(theirs.address, pki, plain=True) for _ in range(5)] == statuses


HEADERS = {
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'self'",
}


def test_headers_are_the_same(toolkit, protected, web_yml):
    text = "http_server_config:\n  headers:\n" + "".join(f'    {name}: "{value}"\n' for name, value in HEADERS.items())
    theirs = toolkit(web_yml(text))
    assert theirs.taken, theirs.said.decode()
    ours = protected(text).server
    for host, port in ((ours.host, ours.port), theirs.address):
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10) as answer:
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
