"""`tocsin up` with one web.yml: the page asks who comes, the agent beside it and the demo still get in."""

import json
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from http.client import HTTPException

import pytest

from tests.agent.certificates import Authority
from tests.servers.process import until
from tests.system.terminal import demo, up

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
ALICE = '  alice: "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu"\n'  # wonderland
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
VERIFY = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
EVENT = {"type": "prediction", "project": "shop", "model": "credit", "id": "a", "prediction": "yes"}


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """server for this host, client in one file, elsewhere for another name."""
    authority = Authority(str(tmp_path_factory.mktemp("up-pki")))
    authority.sign("server")
    authority.sign("elsewhere", "DNS:elsewhere.example")
    authority.sign("client", "DNS:client.example")
    with open(authority.path("client.both"), "w", encoding="utf-8") as both:
        for name in ("client.pem", "client.key"):
            with open(authority.path(name), encoding="utf-8") as part:
                both.write(part.read())
    return authority


def _web(pki, text):
    path = pki.path("web.yml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _ask(url, pki, *, user="", client="", data=None):
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    if client:
        context.load_cert_chain(client)
    headers = {"authorization": f"Basic {b64encode(user.encode()).decode()}"} if user else {}
    headers |= {"content-type": "application/json"} if data else {}
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def _through_the_agent(folder, pki):
    """An event to the agent of this run, as a serving process sends one."""
    lines = (folder / "agent.toml").read_text().splitlines()
    (agent,) = (line.split('"')[1] for line in lines if line.startswith("listen ="))
    assert _ask(f"http://{agent}/v1/events", pki, data=json.dumps(EVENT).encode())[0] == 200


def test_under_tls_with_passwords_the_page_asks_and_the_agent_gets_in(pki, tmp_path):
    web = _web(pki, TLS + "basic_auth_users:\n" + ALICE)
    with up("--web-config", web, "--data", str(tmp_path), TOCSIN_CA_FILE=pki.path("ca.pem")) as terminal:
        page = terminal.wait(r"page +(https://\S+)/", 60)[1]
        assert _ask(page + "/", pki)[0] == 401
        status, text = _ask(page + "/", pki, user="alice:wonderland")
        assert (status, "tocsin" in text) == (200, True)
        with pytest.raises((OSError, HTTPException)):
            _ask(page.replace("https", "http"), pki)
        _through_the_agent(tmp_path, pki)
        assert "shop" in _ask(page + "/v1/models", pki, user="alice:wonderland")[1]
        until(lambda: "1 of 1 answer" in _ask(page + "/", pki, user="alice:wonderland")[1], "the page has the agent")


def test_where_a_client_certificate_is_asked_for_the_agent_shows_the_one_it_is_given(pki, tmp_path):
    client = pki.path("client.both")
    environ = {"TOCSIN_CA_FILE": pki.path("ca.pem"), "TOCSIN_CERT_FILE": client}
    with up("--web-config", _web(pki, TLS + VERIFY), "--data", str(tmp_path), **environ) as terminal:
        page = terminal.wait(r"page +(https://\S+)/", 60)[1]
        _through_the_agent(tmp_path, pki)
        assert "shop" in _ask(page + "/v1/models", pki, client=client)[1]
        with pytest.raises(OSError):
            _ask(page + "/", pki)


def test_the_demo_runs_behind_tls_and_passwords(pki):
    web = _web(pki, TLS + "basic_auth_users:\n" + ALICE)
    with demo(1, "--web-config", web, TOCSIN_CA_FILE=pki.path("ca.pem")) as terminal:
        page = terminal.wait(r"page +(https://\S+)/", 60)[1]

        def counted():
            text = _ask(page + "/metrics", pki, user="alice:wonderland")[1]
            return re.search(r'tocsin_predictions_total{project="demo",model="flights",version="1"} [1-9]', text)

        until(counted, "predictions have come through the relay", 60)


def _refused(*options, **environ):
    command = [sys.executable, "-m", "tocsin_collector", "up", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=90, env=environ or None, check=False)
    return ended.returncode, ended.stderr


def test_a_web_yml_with_faults_starts_nothing(pki, tmp_path):
    code, told = _refused("--web-config", _web(pki, "tls_server_config:\n  cert: 1\n"), "--data", str(tmp_path))
    assert code == 78
    assert "web.yml: tls_server_config" in told
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_of_another_name_is_told_and_not_waited_for(pki, tmp_path):
    web = _web(pki, TLS.replace("server.", "elsewhere."))
    environ = {"PATH": "/usr/bin", "TOCSIN_CA_FILE": pki.path("ca.pem")}
    code, told = _refused("--web-config", web, "--data", str(tmp_path), **environ)
    assert code == 1
    assert "--listen needs a name of the certificate" in told
    assert "127.0.0.1" in told


def test_an_address_that_others_reach_needs_a_web_yml(tmp_path):
    code, told = _refused("--listen", "0.0.0.0:0", "--data", str(tmp_path))
    assert code == 2
    assert "protect it by --web-config" in told
