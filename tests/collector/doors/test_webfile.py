"""What a ``web.yml`` does to the collector, over real sockets, and what becomes of it when its files change."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.collector.doors.visitor import event
from tests.servers.process import answers, free_port, until
from tocsin_collector.servers import own_address
from tocsin_collector.servers.discovery import groups

# Of cost 4, so that a test does not wait: wonderland.
ALICE = "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu"
CERT = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
VERIFY = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
USERS = f"basic_auth_users:\n  alice: {ALICE}\n"


def test_tls_serves_page_events_and_metrics(collector, web_yml):
    one = collector(web_config_file=web_yml(CERT))
    assert one.post(event())[1]["accepted"] == 1
    assert [one.status(path) for path in ("/", "/metrics", "/v1/models", "/-/healthy")] == [200] * 4


def test_a_client_that_does_not_speak_tls_gets_no_answer(collector, web_yml):
    one = collector(web_config_file=web_yml(CERT))
    with one.plain() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" not in sock.recv(100)
    assert one.status() == 200


def test_only_a_client_with_a_certificate_of_the_authority_gets_in(collector, web_yml, pki):
    one = collector(web_config_file=web_yml(CERT + VERIFY))
    client = pki.path("client.pem"), pki.path("client.key")
    assert one.status(client=client) == 200
    assert one.refused()
    assert one.refused(pki.stranger)


def test_a_certificate_needs_one_of_the_names(collector, web_yml, pki):
    client = pki.path("client.pem"), pki.path("client.key")
    one = collector(web_config_file=web_yml(CERT + VERIFY + "  client_allowed_sans: [scraper.example]\n"))
    assert one.status(client=client) == 200
    assert one.refused((pki.path("server.pem"), pki.path("server.key")))


def test_a_new_certificate_holds_from_the_next_connection_on(collector, web_yml, pki, tmp_path):
    one = collector(web_config_file=web_yml(CERT))
    with one.connect() as sock:
        before = sock.getpeercert()["serialNumber"]
    for kind in ("key", "pem"):
        (tmp_path / f"server.{kind}").write_bytes(Path(pki.path(f"server2.{kind}")).read_bytes())
    with one.connect() as sock:
        assert sock.getpeercert()["serialNumber"] != before


def test_a_certificate_that_does_not_fit_its_key_changes_nothing(collector, web_yml, pki, tmp_path, caplog):
    one = collector(web_config_file=web_yml(CERT))
    (tmp_path / "server.pem").write_bytes(Path(pki.path("server2.pem")).read_bytes())
    assert one.status() == 200
    assert "web_config_refused" in caplog.text
    assert "PRIVATE" not in caplog.text


def test_a_password_is_asked_for_on_every_path_but_health(collector, web_yml):
    one = collector(web_config_file=web_yml(USERS))
    for path in ("/", "/metrics", "/v1/events", "/v1/models", "/static/page.css", "/there/is/no/such"):
        status, headers, body = one.ask(path)
        assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="tocsin"')
        assert body.count(b"\n") == 1
    assert one.status("/-/healthy") == 200
    assert one.status("/", user="alice:wonderland") == 200
    assert one.status("/", user="alice:looking-glass") == 401
    assert one.status("/", user="bob:wonderland") == 401
    assert one.post(event(), user="alice:wonderland")[1]["accepted"] == 1


def test_passwords_cannot_be_taken_away_while_it_runs(collector, web_yml):
    one = collector(web_config_file=web_yml(USERS))
    web_yml("# nothing\n")
    assert one.status("/") == 401


def test_a_user_who_is_taken_out_is_out_at_once(collector, web_yml):
    one = collector(web_config_file=web_yml(USERS + f"  bob: {ALICE}\n"))
    assert one.status("/", user="bob:wonderland") == 200
    web_yml(USERS)
    assert one.status("/", user="bob:wonderland") == 401


def test_headers_of_the_file_are_in_every_answer(collector, web_yml):
    one = collector(web_config_file=web_yml("http_server_config:\n  headers:\n    X-Frame-Options: deny\n" + USERS))
    for how in ({}, {"user": "alice:wonderland"}):
        assert one.ask("/metrics", **how)[1]["X-Frame-Options"] == "deny"


def test_its_rate_limit_answers_429(collector, web_yml):
    one = collector(web_config_file=web_yml("rate_limit:\n  interval: 1h\n  burst: 2\n"))
    assert [one.status() for _ in range(3)] == [200, 200, 429]


def test_prometheus_is_told_to_scrape_over_tls():
    found, _ = groups(own_address("https://127.0.0.1:10301"), [])
    assert found[0]["labels"]["__scheme__"] == "https"


def _tocsin(*words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tocsin_collector", *words], stderr=subprocess.PIPE, text=True, env=os.environ | environ
    )


def test_a_wrong_file_ends_the_start_with_78(web_yml, tmp_path):
    path = web_yml(CERT.replace("server.pem", "there-is-none.pem") + "nonsense: 1\n")
    started = _tocsin("collector", "--data", str(tmp_path / "data"), TOCSIN_WEB_CONFIG_FILE=path)
    assert "nonsense: unknown key" in started.communicate(timeout=50)[1]
    assert started.returncode == 78


@pytest.mark.parametrize(("text", "code"), [(CERT, 0), (CERT + "nonsense: 1\n", 78)])
def test_check_reads_it_too(web_yml, tmp_path, text, code):
    config = tmp_path / "collector.toml"
    config.write_text(f'web_config_file = "{web_yml(text)}"\n')
    checked = _tocsin("check", str(config))
    assert ("web.yml" in checked.communicate(timeout=50)[1]) is bool(code)
    assert checked.returncode == code


def test_sighup_takes_the_new_file_and_ends_nothing(web_yml, tmp_path):
    path, port = web_yml(USERS), free_port()
    started = _tocsin(
        "collector", "--listen", f"127.0.0.1:{port}", "--data", str(tmp_path / "data"), TOCSIN_WEB_CONFIG_FILE=path
    )  # fmt: skip
    try:
        assert started.stderr is not None
        until(lambda: answers(f"http://127.0.0.1:{port}/-/healthy"), "the collector answers")
        web_yml(USERS + f"  bob: {ALICE}\n")
        started.send_signal(signal.SIGHUP)
        until(lambda: "web_config_taken" in started.stderr.readline(), "the file is taken")
        assert started.poll() is None
    finally:
        started.terminate()
        started.communicate(timeout=50)
    assert started.returncode == 0
