"""What a ``web.yml`` does to a server, over real sockets; and what becomes of it when its files change."""

import os
import socket
import ssl
import threading
import time
from base64 import b64encode

import pytest

from tests.agent.httpd.test_server import until
from tests.agent.web.conftest import ALICE, BOB
from tests.agent.web.protected import BIG, Protected
from tocsin_agent.httpd import server as serving
from tocsin_agent.protection import Protection
from tocsin_schema.config import ConfigError
from tocsin_schema.web.protection import Limit
from tocsin_schema.web.users import Users

CERT = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
VERIFY = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
USERS = f"basic_auth_users:\n  alice: {ALICE}\n  bob: {BOB}\n"


def test_tls_serves_and_keeps_the_connection(protected, answer):
    one = protected(CERT)
    with one.connect() as sock:
        for _ in range(3):
            sock.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer(sock)[2] == b"ok\n"
        sock.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        assert answer(sock)[1]["connection"] == "close"
        assert sock.recv(1) == b""  # a true end of TLS, not a cut: that would be an error here


def test_a_long_answer_and_pipelined_requests_come_whole_under_tls(protected, answer):
    one = protected(CERT)
    with one.connect() as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nGET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(sock)[2].startswith(BIG)
        assert answer(sock)[2] == b"ok\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bytes_that_come_one_by_one_hold_nobody_up_under_tls(protected, answer, version):
    one = protected(CERT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = one.context(version=version).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with one.plain() as slow:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    slow.send(bytes([byte]))
                assert one.get()[0] == 200
                incoming.write(slow.recv(65_536))
        tls.write(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        slow.sendall(outgoing.read())
        received = b""
        while b"ok\n" not in received:
            incoming.write(slow.recv(65_536))
            try:
                received += tls.read(65_536)
            except ssl.SSLWantReadError:
                continue


def test_who_speaks_plain_http_is_told(protected):
    one = protected(CERT)
    with one.plain() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b"".join(iter(lambda: sock.recv(4096), b""))
    assert received.startswith(b"HTTP/1.0 400 Bad Request\r\n")
    assert received.endswith(b"Client sent an HTTP request to an HTTPS server.\n")
    until(lambda: one.server.refused == 1)


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x02\x00" + b"\xff" * 600, b"\0" * 50, os.urandom(300)])
def test_noise_ends_its_connection_and_no_other(protected, noise):
    one = protected(CERT)
    with one.plain() as sock:
        sock.sendall(noise)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(4096):
            pass
    assert one.get()[0] == 200
    until(lambda: not one.server.connections)


def test_a_handshake_that_does_not_go_on_is_cut(protected):
    one = protected(CERT)
    with one.plain() as sock:
        until(lambda: one.server.connections)
        (connection,) = one.server.connections.values()
        assert connection.timed[0] == "handshake"
        connection.deadline = 0
        assert one.get()[0] == 200
        assert sock.recv(1) == b""
    assert one.server.cut == 1


def test_handshakes_that_do_not_go_on_make_room_for_others(protected):
    one = protected(CERT)
    idle = [one.plain() for _ in range(serving.MAX_CLIENTS + 10)]
    assert one.get()[0] == 200
    assert len(one.server.connections) <= serving.MAX_CLIENTS
    for sock in idle:
        sock.close()


def test_old_versions_of_tls_are_refused(protected):
    one = protected(CERT + "  min_version: TLS13\n")
    with pytest.raises(ssl.SSLError):
        one.connect(version=ssl.TLSVersion.TLSv1_2)
    assert one.get()[0] == 200


def test_the_suite_is_one_of_the_chosen(protected):
    one = protected(CERT + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n")
    with one.connect() as sock:
        assert sock.cipher()[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"


def test_a_curve_that_is_not_chosen_is_refused(protected):
    one = protected(CERT + "  curve_preferences: [CurveP521]\n")
    context = one.context()
    context.set_ecdh_curve("secp384r1")
    with one.plain() as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")
    assert one.get()[0] == 200


def test_client_certificates_are_required_and_verified(protected, pki):
    one = protected(CERT + VERIFY)
    assert one.get(client=(pki.path("client.pem"), pki.path("client.key")))[0] == 200
    assert one.refused()
    assert one.refused(pki.stranger)
    until(lambda: one.server.refused == 2)


def test_a_certificate_that_is_given_is_verified_where_none_is_required(protected, pki):
    one = protected(CERT + VERIFY.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"))
    assert one.get()[0] == 200
    assert one.get(client=(pki.path("client.pem"), pki.path("client.key")))[0] == 200
    assert one.refused(pki.stranger)


@pytest.mark.parametrize("name", ["scraper.example", "10.0.0.1", '"2001:db8::1"', "a@example.org", "spiffe://x/y"])
def test_a_clients_name_is_one_of_the_allowed(protected, pki, name):
    one = protected(CERT + VERIFY + f"  client_allowed_sans: [other.example, {name}]\n")
    assert one.get(client=(pki.path("client.pem"), pki.path("client.key")))[0] == 200


def test_another_name_is_refused(protected, pki):
    one = protected(CERT + VERIFY + "  client_allowed_sans: [example, scraper.example.org]\n")
    assert one.refused((pki.path("client.pem"), pki.path("client.key")))


@pytest.mark.parametrize("tls", ["", CERT])
def test_passwords_are_asked_for_on_every_page(protected, tls):
    one = protected(tls + USERS)
    for path in ("/metrics", "/-/healthy", "/", "/none"):
        status, headers, body = one.get(path)
        assert (status, headers["WWW-Authenticate"], body) == (401, "Basic", b"Unauthorized\n")
    assert one.get(user="alice:wonderland")[0] == 200
    assert one.get(user="bob:bücher")[0] == 200
    for wrong in ("alice:bücher", "alice:", "bob:wonderland", "mallory:wonderland", "alice"):
        assert one.get(user=wrong)[0] == 401


def test_checking_a_password_holds_nobody_up(protected, answer):
    slow = threading.Event()
    one = protected(USERS)
    one.protection.users = Users({"alice": ALICE}, lambda password, _: password == b"wonderland" or slow.wait(10))
    assert one.get(user="alice:wonderland")[0] == 200
    request = "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {}\r\n\r\n"
    waiting = [one.plain() for _ in range(serving.MAX_CHECKS)]
    for number, sock in enumerate(waiting):
        sock.sendall(request.format(b64encode(b"alice:%d" % number).decode()).encode())
    until(lambda: one.server._checking == serving.MAX_CHECKS)
    assert one.get(user="alice:wonderland")[0] == 200
    assert one.get(user="alice:another")[0] == 503
    slow.set()
    assert {answer(sock)[0] for sock in waiting} == {200}
    for sock in waiting:
        sock.close()
    until(lambda: one.server._checking == 0)


def test_headers_are_on_every_answer(protected):
    one = protected("http_server_config:\n  headers:\n    X-Frame-Options: deny\n    X-XSS-Protection:\n")
    for path in ("/", "/none"):
        headers = one.get(path)[1]
        assert headers["X-Frame-Options"] == "deny"
        assert "X-XSS-Protection" not in headers


def test_requests_beyond_the_rate_are_a_429(protected):
    one = protected("rate_limit:\n  interval: 1h\n  burst: 2\n")
    assert [one.get()[0] for _ in range(4)] == [200, 200, 429, 429]


def test_tokens_come_back_with_time():
    now = [0.0]
    limit = Limit(10.0, 2, lambda: now[0])
    assert [limit.allows() for _ in range(3)] == [True, True, False]
    now[0] = 9.0
    assert not limit.allows()
    now[0] = 10.0
    assert [limit.allows(), limit.allows()] == [True, False]
    now[0] = 1000.0
    assert [limit.allows() for _ in range(3)] == [True, True, False]
    assert all(Limit(0.0, 0, lambda: 0.0).allows() for _ in range(9))


# --- files that change ------------------------------------------------------------------------------------------------


def served_by(one: Protected) -> bytes:
    with one.connect() as sock:
        return sock.getpeercert(binary_form=True)


def replace(path: str, target: str) -> None:
    """As a renewal does it: the new file beside, then renamed."""
    os.symlink(target, f"{path}.new")
    os.replace(f"{path}.new", path)


def test_a_renewed_certificate_is_served_from_then_on_and_a_half_renewed_one_is_not(protected, pki, tmp_path, capfd):
    one = protected(CERT)
    before = served_by(one)
    with one.connect() as kept:
        replace(str(tmp_path / "server.pem"), pki.path("server2.pem"))
        assert served_by(one) == before
        assert served_by(one) == before
        assert capfd.readouterr().err.count("web_config_refused") == 1
        replace(str(tmp_path / "server.key"), pki.path("server2.key"))
        assert served_by(one) != before
        assert "web_config_taken" in capfd.readouterr().err
        kept.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
        assert b"200 OK" in kept.recv(4096)


def test_another_user_holds_from_the_next_request_on(protected, web_yml):
    one = protected(USERS)
    assert one.get(user="alice:wonderland")[0] == 200
    web_yml(f"basic_auth_users:\n  bob: {BOB}\n")
    assert one.get(user="alice:wonderland")[0] == 401
    assert one.get(user="bob:bücher")[0] == 200


@pytest.mark.parametrize("text", ["", "tls_server_config: [", "basic_auth_users:\n  alice: wonderland\n", CERT])
def test_a_file_that_is_wrong_or_opens_the_door_changes_nothing_and_is_told_once(protected, web_yml, text, capfd):
    one = protected(CERT + USERS)
    web_yml(text)
    for _ in range(2):
        assert one.get()[0] == 401
        assert one.get(user="alice:wonderland")[0] == 200
    assert capfd.readouterr().err.count("web_config_refused") == 1
    web_yml(CERT + USERS + "http_server_config:\n  headers:\n    X-Frame-Options: deny\n")
    assert one.get()[1]["X-Frame-Options"] == "deny"


def test_a_file_that_goes_changes_nothing(protected, tmp_path):
    one = protected(USERS)
    (tmp_path / "web.yml").unlink()
    assert one.get()[0] == 401


def test_a_bad_file_at_the_start_is_an_error(web_yml):
    with pytest.raises(ConfigError, match="unknown key"):
        Protection(web_yml("tls: x\n"), time.monotonic)
