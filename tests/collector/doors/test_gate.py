"""Who comes in with which key, over real sockets."""

import json
import os
import re

import pytest

from tests.collector.doors.visitor import event, running
from tests.servers.process import until
from tocsin_collector.doors.caller import ADMIN, LABELS, LOGS, NOTIFICATIONS, PREDICTIONS, READ, REFERENCES
from tocsin_collector.doors.keys import make
from tocsin_collector.doors.routes import TABLE, need
from tocsin_collector.listen import listen, loopback
from tocsin_collector.service import Service
from tocsin_collector.web import application
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

CERT = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
VERIFY = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
LOG = b'{"message":"hello"}\n'


@pytest.fixture
def key(tmp_path):
    """Make a key for the collector of this test."""

    def made(*scopes, project=None):
        return make(str(tmp_path / "data" / "keys.json"), scopes, project, "", 0.0)[1]

    return made


def _entries(routes):
    for route in routes:
        if hasattr(route, "original_router"):
            yield from _entries(route.original_router.routes)
        else:
            yield from (f"{method} {route.path}" for method in route.methods if method != "HEAD")


def test_it_is_open_until_a_key_is_made_and_knows_it(collector, key):
    one = collector()
    assert one.server.config.app.open
    key(READ)
    assert not one.server.config.app.open


def test_a_password_or_a_required_certificate_closes_it(collector, web_yml):
    one = collector(web_config_file=web_yml(CERT))
    assert one.server.config.app.open
    one.stop()
    assert not collector(web_config_file=web_yml(CERT + VERIFY)).server.config.app.open


@pytest.mark.parametrize(("address", "own"), [("127.0.0.1:0", True), ("0.0.0.0:0", False), ("[::1]:0", True)])
def test_an_address_is_of_this_host_alone_or_not(address, own):
    with listen(address) as opened:
        assert loopback(opened) is own


def test_every_route_of_the_application_has_its_scope_and_no_other_is_there(tmp_path):
    service = Service(load(COLLECTOR, None, {}) | {"data_dir": str(tmp_path)}, page_url="http://localhost")
    try:
        found = sorted(_entries(application(service).router.routes))
    finally:
        service.close()
    assert len(found) > 20
    assert found == sorted(TABLE)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/"), ("GET", "/v1/models/"), ("GET", "//"), ("PATCH", "/v1/events"), ("GET", "/x")]
)
def test_what_is_not_in_the_table_needs_admin(method, path):
    assert need(method, path).scopes == (ADMIN,)


def test_head_needs_what_get_needs():
    assert need("HEAD", "/openapi.json") == need("GET", "/openapi.json")


def test_without_keys_and_passwords_it_is_open(collector):
    one = collector()
    assert one.post(event())[0] == 200
    assert one.status("/v1/models") == 200


def test_with_a_key_nothing_but_health_goes_without_one(collector, key):
    one = collector()
    key(READ)
    for entry in TABLE:
        method, path = entry.split()
        status, headers, body = one.ask(path.replace("{", "").replace("}", ""), method=method)
        assert status == (200 if path == "/-/healthy" else 401), entry
        assert path == "/-/healthy" or headers["WWW-Authenticate"] == 'Basic realm="tocsin"'
        assert body.count(b"\n") == 1


REQUESTS = {
    "read the page": (READ, lambda one, key: one.status("/", key=key)),
    "read models": (READ, lambda one, key: one.status("/v1/models", key=key)),
    "scrape": (READ, lambda one, key: one.status("/metrics", key=key)),
    "read logs": (READ, lambda one, key: one.status("/v1/logs", key=key)),
    "predictions": (PREDICTIONS, lambda one, key: one.post(event(), key=key)[0]),
    "labels": (LABELS, lambda one, key: one.post(event(kind="label"), key=key)[0]),
    "logs": (LOGS, lambda one, key: one.status("/v1/logs", key=key, data=LOG, Content_Type="text/plain")),
    "a reference": (
        REFERENCES,
        lambda one, key: one.status("/v1/references/shop/credit", key=key, method="PUT", data=b"x") - 200,
    ),
    "a notification": (
        NOTIFICATIONS,
        lambda one, key: one.status("/v1/notifications", key=key, data=b"{}", Content_Type="application/json") - 200,
    ),
}


@pytest.mark.parametrize("scope", [READ, PREDICTIONS, LABELS, REFERENCES, LOGS, NOTIFICATIONS, ADMIN])
def test_a_key_opens_what_its_scope_says_and_nothing_else(collector, key, scope):
    one, token = collector(), key(scope)
    for name, (needed, ask) in REQUESTS.items():
        status = ask(one, token) % 200
        assert (status == 0) if scope in (needed, ADMIN) else (status in (3, 203)), name


WRITERS = {
    "POST /v1/events": (PREDICTIONS, LABELS),
    "POST /v1/logs": (LOGS,),
    "POST /v1/notifications": (NOTIFICATIONS,),
    "PUT /v1/references/{project}/{model}": (REFERENCES,),
    "DELETE /v1/references/{project}/{model}": (REFERENCES,),
    "PUT /v1/constraints/{project}/{model}": (REFERENCES,),
    "POST /v1/deployments/{project}/{model}": (PREDICTIONS, REFERENCES),
}
"""Who may do what is no read, said a second time: a change of the table has to be meant."""
OF_A_PROJECT = ("POST /v1/events", "POST /v1/logs", "GET /v1/models")
"""Beside the routes of the API that have a project in their path."""


@pytest.mark.parametrize("entry", sorted(TABLE))
def test_every_route_opens_to_its_scopes_and_its_project_alone(gated, entry):
    one, keys = gated
    method, path = entry.split()
    has_project = path.startswith("/v1/") and "{project}" in path
    for (scope, key_project), token in keys.items():
        for project in ("shop", "bank") if has_project else ("shop",):
            in_scope = scope in (*WRITERS.get(entry, (READ,)), ADMIN)
            in_project = key_project is None or entry in OF_A_PROJECT or (has_project and key_project == project)
            wanted = (in_scope and in_project) or entry == "GET /-/healthy"
            asked = re.sub(r"{(\w+)}", lambda found, here=project: here if found[1] == "project" else "x", path)
            status = one.status(asked, key=token, method=method, data=None if method == "GET" else b"{}")
            assert (status not in (401, 403)) == wanted, (scope, key_project, project, status)


@pytest.fixture(scope="module")
def gated(tmp_path_factory, pki):
    """A collector, and a key of each scope, for all projects and for one."""
    folder = str(tmp_path_factory.mktemp("gated"))
    scopes = (READ, PREDICTIONS, LABELS, REFERENCES, LOGS, NOTIFICATIONS, ADMIN)
    with running(folder, pki) as one:
        path = os.path.join(folder, "keys.json")
        yield one, {(scope, of): make(path, (scope,), of, "", 0.0)[1] for scope in scopes for of in (None, "shop")}


def test_a_request_with_one_row_that_is_not_allowed_takes_nothing(collector, key):
    one = collector()
    status, answer = one.post(event("a"), event("b", kind="label"), key=key(PREDICTIONS))
    assert (status, answer["accepted"]) == (403, 0)
    assert answer["rejected"][0]["code"] == "scope"
    assert one.post(event("a"), key=key(PREDICTIONS))[1]["accepted"] == 1


def test_a_key_of_one_project_writes_and_reads_that_alone(collector, key):
    one, all_, shop = collector(), key(ADMIN), key(ADMIN, project="shop")
    assert one.post(event("a", "shop"), event("b", "bank"), key=all_)[1]["accepted"] == 2
    assert one.post(event("c", "shop"), key=shop)[0] == 200
    assert one.post(event("c", "bank"), key=shop)[0] == 403
    assert [model["project"] for model in json.loads(one.ask("/v1/models", key=shop)[2])["models"]] == ["shop"]
    assert len(json.loads(one.ask("/v1/models", key=all_)[2])["models"]) == 2
    assert one.status("/v1/models/shop/credit", key=shop) == 200
    for path in ("/", "/metrics", "/v1/logs", "/v1/alarms", "/models/shop/credit/-", "/v1/servers"):
        assert one.status(path, key=shop) == 403


def test_a_project_that_is_not_there_reads_as_one_that_is(collector, key):
    one, all_, shop = collector(), key(ADMIN), key(READ, project="shop")
    assert one.post(event("a", "bank"), key=all_)[0] == 200
    there, not_there = (one.ask(f"/v1/models/{project}/credit", key=shop) for project in ("bank", "nobody"))
    assert there[0] == not_there[0] == 403
    assert there[2] == not_there[2]
    assert one.status("/v1/models/sh%6Fp/credit", key=shop) == 404  # its own, by another spelling
    assert one.status("/v1/models/%2562ank/credit", key=shop) == 403


REFUSED = {
    "no key": (401, "unauthorized", {}),
    "a key without the scope": (403, "scope", {"key": READ}),
    "a page of another site": (403, "origin", {"key": PREDICTIONS, "Origin": "http://evil.example"}),
    "rows of another project": (403, "project", {"key": PREDICTIONS, "project": "bank"}),
    "over its quota": (429, "over_quota", {"key": PREDICTIONS}),
    "not a form": (415, "unknown_content_type", {"key": ADMIN, "Content_Type": "image/png"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_whoever_refuses_events_answers_in_the_form_that_the_document_describes(collector, key, case):
    one = collector(**{"quota.projects": ["shop events=1"]})
    reader = key(READ)
    status, code, how = REFUSED[case]
    more = {"Content_Type": "application/json"} | how
    scope, project = more.pop("key", None), more.pop("project", "shop")
    token = key(scope, project="shop" if scope == PREDICTIONS else None) if scope else ""
    if code == "over_quota":
        assert one.post(*(event(str(number)) for number in range(5)), key=token)[0] == 200
    found, headers, body = one.ask("/v1/events", key=token, data=json.dumps(event(project=project)).encode(), **more)
    answer = json.loads(body)
    assert (found, answer["rejected"][0]["code"]) == (status, code)
    assert headers["Content-Type"] == "application/json"
    operation = json.loads(one.ask("/openapi.json", key=reader)[2])["paths"]["/v1/events"]["post"]
    schema = operation["responses"][str(status)]["content"]["application/json"]["schema"]
    assert sorted(answer) == sorted(schema["required"])
    assert answer["rejected"][0].keys() == schema["properties"]["rejected"]["items"]["properties"].keys()
    assert (answer["rejected_count"], answer["accepted"], answer["duplicate"]) == (1, 0, 0)


def test_in_a_browser_a_key_is_the_password(collector, key):
    one, token = collector(), key(READ)
    assert one.status("/", user=f"me:{token}") == 200
    assert one.status("/", user=f"me:{token}x") == 401


def test_users_of_web_yml_and_keys_stand_side_by_side(collector, key, web_yml):
    alice = "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu"
    one = collector(web_config_file=web_yml(f"basic_auth_users:\n  alice: {alice}\n"))
    token = key(READ)
    assert one.status("/", user="alice:wonderland") == 200
    assert one.status("/", key=token) == 200
    assert one.status("/", user="alice:wrong") == 401


def test_a_revoked_key_is_out_at_once(collector, key, tmp_path):
    one, token = collector(), key(READ)
    assert one.status("/", key=token) == 200
    os.unlink(tmp_path / "data" / "keys.json")
    assert one.status("/", key=token) == 200  # a file that is gone changes nothing
    key(READ)
    assert one.status("/", key=token) == 401


def test_no_secret_is_in_a_log_line_a_page_or_a_metric(collector, key, caplog, capfd):
    one, token = collector(), key(ADMIN)
    secret = token.split("_")[2]
    one.service.intake.enter = None  # whatever breaks in here tells the log, with what it was called with
    bodies = [one.ask(path, key=token)[2] for path in ("/", "/metrics", "/docs", "/v1/servers", "/v1/alarms")]
    bodies += [one.ask(f"/{token}", key=token)[2], one.ask("/", key=token + "x")[2]]
    body = json.dumps(event()).encode()
    assert one.status("/v1/events", key=token, data=body, Content_Type="application/json") == 500
    said = [caplog.text]
    until(lambda: said.append(capfd.readouterr().err) or "TypeError" in said[-1], "the fault is in the log")
    assert secret not in "".join(said)
    assert not any(secret.encode() in body for body in bodies)
    assert secret not in one.metrics()
