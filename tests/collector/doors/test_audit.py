"""What the running collector records of its callers, and the headers of its answers."""

import json
import os

import pytest
from click.testing import CliRunner

from tests.collector.doors.visitor import event
from tocsin_collector.__main__ import main
from tocsin_collector.audit import verify
from tocsin_collector.doors.caller import ADMIN
from tocsin_collector.doors.headers import DEFAULTS
from tocsin_collector.doors.keys import make


def _records(one):
    folder = os.path.join(one.folder, "audit")
    found = []
    for name in sorted(os.listdir(folder)):
        if name != "mark":
            with open(os.path.join(folder, name)) as file:
                found += [json.loads(text.split(" ", 1)[1]) for text in file]
    assert verify(folder).records == len(found)
    return [(said["who"], said["did"], said["what"], said["outcome"]) for said in found]


def test_reads_and_changes_are_recorded_before_their_answer(collector, tmp_path):
    one = collector()
    key, token = make(str(tmp_path / "data" / "keys.json"), (ADMIN,), None, "", 0.0)
    one.ask("/v1/models", key=token)
    one.ask("/v1/logs?q=hello", key=token)
    one.ask("/v1/references/shop/credit", key=token, method="PUT", data=b"nonsense")
    who = f"key {key.id}"
    assert _records(one)[1:] == [
        (who, "read", "GET /v1/models", "200"),
        (who, "read", "GET /v1/logs?q=hello", "200"),
        (who, "change", "PUT /v1/references/shop/credit", "400"),
    ]


@pytest.mark.parametrize("path", ["/v1/models?key={}", "/v1/models/{}/credit", "/v1/logs?q=tsn%5F{}", "/v1/logs?{}{}"])
def test_a_key_in_an_address_is_not_recorded_with_its_secret(collector, tmp_path, path):
    one = collector()
    _, token = make(str(tmp_path / "data" / "keys.json"), (ADMIN,), None, "", 0.0)
    prefix, number, secret = token.split("_")
    shown = f"{number}%5f{secret}" if "%5F" in path else token
    one.ask(path.format(shown, shown), key=token)
    (_, _, what, _) = _records(one)[-1]
    assert number in what
    assert secret not in what
    assert prefix in what


def test_events_scrapes_and_probes_are_not(collector):
    one = collector()
    one.post(event())
    for path in ("/metrics", "/-/healthy", "/static/page.css", "/openapi.json"):
        one.ask(path)
    assert not os.path.exists(os.path.join(one.folder, "audit"))
    assert one.metric("tocsin_audit_records_total", outcome="written") == 0


def test_keys_made_and_revoked_at_a_terminal_are_in_the_same_chain(collector):
    one = collector()
    one.ask("/v1/models")
    made = CliRunner().invoke(main, ["keys", "make", "--scope", "read", "--data", one.folder]).stdout.strip()
    one.ask("/v1/models", key=made)
    CliRunner().invoke(main, ["keys", "revoke", made.split("_")[1], "--data", one.folder])
    records = _records(one)
    assert [what.split()[0] for _, _, what, _ in records] == ["GET", "make", "GET", "revoke"]
    assert made.split("_")[2] not in str(records)


def test_a_log_that_cannot_be_written_holds_nothing_up_and_is_counted(collector, caplog):
    one = collector()
    os.makedirs(one.folder, exist_ok=True)
    with open(os.path.join(one.folder, "audit"), "w"):
        pass
    assert one.status("/v1/models") == 200
    assert one.metric("tocsin_audit_records_total", outcome="lost") == 1
    assert "audit_not_written" in caplog.text


PATHS = ["/", "/metrics", "/v1/models", "/-/healthy", "/static/page.css", "/nothing", "/v1/events"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(collector, path):
    headers = {name.lower(): value for name, value in collector().ask(path)[1].items()}
    assert {name.decode() for name in DEFAULTS} <= set(headers)
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("default-src 'self'" if path == "/" else "default-src") in headers["content-security-policy"]


def test_a_refusal_has_them_too(collector, tmp_path):
    one = collector()
    make(str(tmp_path / "data" / "keys.json"), (ADMIN,), None, "", 0.0)
    status, headers, _ = one.ask("/")
    assert (status, headers["X-Frame-Options"]) == (401, "DENY")


@pytest.mark.parametrize(
    ("origin", "status"), [("https://evil.example", 403), ("null", 403), ("http://127.0.0.1:{port}", 200)]
)
def test_a_page_of_another_site_can_change_nothing(collector, origin, status):
    one = collector()
    origin = origin.format(port=one.port)
    assert one.post(event(), Origin=origin)[0] == status
