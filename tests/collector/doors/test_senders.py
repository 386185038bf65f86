"""The agent's ways to a collector that asks for a key under TLS: relay, logs, capture; and the commands'."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.agent.agent_process import Agent
from tests.collector.doors.visitor import event
from tests.servers.process import until
from tocsin_agent.capture.post import Again, Poster, Refused
from tocsin_agent.relay.credentials import Credentials
from tocsin_agent.relay.upstream import Address, Upstream, UpstreamError
from tocsin_collector.__main__ import main
from tocsin_collector.doors.caller import LABELS, LOGS, PREDICTIONS, READ
from tocsin_collector.doors.keys import make

CERT = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
VERIFY = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
JSON = {"content-type": "application/json"}
BODY = json.dumps(event()).encode()


def post(url, credentials=None, headers=JSON):
    """One event by the agent's client: status and body."""
    upstream = Upstream(Address(url), credentials)
    try:
        answer = upstream.post("/v1/events", headers, BODY)
        return answer.status, answer.body
    finally:
        upstream.close()


@pytest.fixture
def token_file(tmp_path):
    """A key of the collector of this test in a file."""

    def made(*scopes):
        path = tmp_path / "agent.token"
        path.write_text(make(str(tmp_path / "data" / "keys.json"), scopes, None, "", 0.0)[1] + "\n")
        return str(path)

    return made


def test_the_agent_hands_on_events_and_logs(collector, web_yml, token_file, pki, tmp_path):
    one, token = collector(web_config_file=web_yml(CERT)), token_file(PREDICTIONS, LOGS)
    (tmp_path / "app.log").write_text("hello from the agent\n")
    config = tmp_path / "agent.toml"
    config.write_text(
        f'collector = "{one.url}"\ncollector_ca_file = "{pki.path("ca.pem")}"\ncollector_token_file = "{token}"\n'
        f'state_dir = "{tmp_path}/state"\nlogs.files = ["{tmp_path}/app.log"]\nsources = ["loadavg"]\n'
    )
    with Agent(config) as agent:
        status, body = post(agent.url)
        assert (status, json.loads(body)["accepted"]) == (200, 1)
        own = JSON | {"authorization": "Bearer tsn_of_another"}  # the sender's own key goes before the agent's
        assert post(agent.url, headers=own)[0] == 401
        until(lambda: one.metric("tocsin_logs_records_total", outcome="accepted"), "the log line has come")
        agent.stop()


def through(agent, target, headers, body):
    """What the collector answers to a request that an agent hands on."""
    upstream = Upstream(Address(agent.url))
    try:
        return json.loads(upstream.post(target, headers, body).body)
    finally:
        upstream.close()


def test_an_agent_hands_on_what_a_query_says_of_a_table_and_the_headers_of_a_cloudevent(collector, tmp_path):
    one, config = collector(), tmp_path / "agent.toml"
    config.write_text(f'collector = "{one.url}"\nstate_dir = "{tmp_path}/state"\nsources = ["loadavg"]\n')
    table = b"id,prediction\na1,yes\n"
    attributes = {"ce-specversion": "1.0", "ce-id": "a2", "ce-source": "/shop", "ce-type": "tocsin.prediction"}
    with Agent(config) as agent:
        told = through(agent, "/v1/events?model=credit&project=sho%70", {"content-type": "text/csv"}, table)
        assert (told["accepted"], told["rejected"]) == (1, [])
        data = json.dumps({"type": "prediction", "project": "shop", "model": "credit", "prediction": "yes"}).encode()
        assert through(agent, "/v1/events", JSON | attributes, data)["accepted"] == 1
        assert through(agent, "/v1/events", JSON | attributes, data)["duplicate"] == 1
        agent.stop()
    assert one.metric("tocsin_predictions_total", project="shop", model="credit") == 2


def test_an_agent_with_a_file_that_is_wrong_does_not_start(tmp_path):
    config = tmp_path / "agent.toml"
    (tmp_path / "token").write_text("two words")
    config.write_text(
        'collector = "https://127.0.0.1:1"\ncollector_ca_file = "/there/is/none"\n'
        f'collector_token_file = "{tmp_path}/token"\n'
    )
    with pytest.raises(AssertionError) as told:
        Agent(config)
    assert "collector_token_file: " in str(told.value)
    assert "collector_ca_file" in str(told.value)
    assert "two words" not in str(told.value)


def test_a_collector_of_another_authority_is_not_told_the_key(collector, web_yml, token_file, pki):
    one = collector(web_config_file=web_yml(CERT))
    stranger = Credentials(pki.stranger[0], "", token_file(PREDICTIONS))
    with pytest.raises(UpstreamError, match="certificate verify failed"):
        post(one.url, stranger)


def test_a_client_certificate_is_shown(collector, web_yml, pki, tmp_path):
    one, both = collector(web_config_file=web_yml(CERT + VERIFY)), tmp_path / "both.pem"
    both.write_bytes(b"".join(Path(pki.path(f"client.{kind}")).read_bytes() for kind in ("pem", "key")))
    shown = Credentials(pki.path("ca.pem"), str(both))
    assert post(one.url, shown)[0] == 200
    with pytest.raises(UpstreamError):
        post(one.url, Credentials(pki.path("ca.pem")))


def test_a_new_key_in_the_file_holds_at_once(collector, token_file, tmp_path):
    one, path = collector(), token_file(LABELS)
    upstream = Upstream(Address(one.url), Credentials("", "", path))
    assert upstream.post("/v1/events", JSON, BODY).status == 403
    token_file(PREDICTIONS)
    assert upstream.post("/v1/events", JSON, BODY).status == 200
    (tmp_path / "agent.token").unlink()
    with pytest.raises(UpstreamError, match="no key to show"):
        upstream.post("/v1/events", JSON, BODY)
    upstream.close()


def test_capture_sends_under_tls_with_the_key_of_its_environment(collector, web_yml, token_file, pki, monkeypatch):
    one, path = collector(web_config_file=web_yml(CERT)), token_file(PREDICTIONS)
    monkeypatch.setenv("TOCSIN_TOKEN_FILE", path)
    monkeypatch.setenv("TOCSIN_CA_FILE", pki.path("ca.pem"))
    poster = Poster(one.url)
    assert json.loads(poster.post(BODY, "application/json"))["accepted"] == 1
    token_file(LABELS)
    with pytest.raises(Refused, match="write:predictions"):  # others may pass, so it must not hold them up
        poster.post(BODY, "application/json")
    Path(path).write_text("tsn_revoked_1")
    with pytest.raises(Again, match="a right key"):  # kept until an operator mends the key
        poster.post(BODY, "application/json")
    poster.close()


def test_a_command_shows_a_key(collector, web_yml, token_file, pki):
    one, path = collector(web_config_file=web_yml(CERT)), token_file(READ)
    access = ("--collector", one.url, "--ca-file", pki.path("ca.pem"))
    asked = CliRunner().invoke(main, ["logs", "search", *access, "--token-file", path])
    assert asked.exit_code == 0
    assert "records" in asked.stderr
    asked = CliRunner().invoke(main, ["logs", "search", *access])
    assert asked.exit_code == 1
    assert "a right key or password is needed" in asked.stderr


@pytest.mark.parametrize("words", [["logs", "search"], ["reference", "list", "shop", "credit"]])
def test_a_command_says_why_it_does_not_get_through_to_a_collector_under_tls(collector, web_yml, pki, tmp_path, words):
    url = collector(web_config_file=web_yml(CERT)).url
    (tmp_path / "no.pem").write_text("no certificate")
    for access, said in (
        (("--collector", url), "its certificate is not believed"),
        (("--collector", url.replace("https", "http")), "where it speaks TLS, its address begins with https://"),
        (("--collector", url, "--ca-file", str(tmp_path / "away.pem")), "away.pem: No such file or directory"),
        (("--collector", url, "--ca-file", str(tmp_path / "no.pem")), "no.pem: no PEM certificate in it"),
        (("--collector", "http://[::1"), "http://host:port expected"),
    ):
        asked = CliRunner().invoke(main, [*words, *access])
        assert asked.exit_code in (1, 2)
        assert said in asked.stderr, access
