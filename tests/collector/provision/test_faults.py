"""Every way in which a server can fail: one clear line that says what, where and what to do, and no mess."""

import os
import ssl
import subprocess

import pytest

from tests.collector.provision.conftest import SECRET
from tests.collector.provision.double import Fault, double
from tests.collector.provision.shop import applied, catalogue, planned, pruned, steps, values
from tests.servers.process import free_port
from tocsin_collector.provision.client import Client, Login
from tocsin_collector.provision.difference import CHANGE, CONFLICT, CREATE, DELETE, KEEP, UNCHANGED
from tocsin_collector.provision.fault import ProvisionError
from tocsin_schema.config import ConfigError

WRITE = r"/api/dashboards/db"
PREFIX = "/api/v1/provisioning"


def refused(configuration, **kwargs):
    """The faults of an apply, which hold no secret and no line end."""
    with pytest.raises(ProvisionError) as caught:
        applied(configuration, **kwargs)
    for fault in caught.value.faults:
        assert SECRET not in fault
        assert "\n" not in fault
        assert len(fault) < 500
    return caught.value.faults


def test_a_first_apply_writes_all_and_a_second_nothing(grafana, configuration):
    made = applied(configuration)
    assert len(made.done) == len(made.steps()) == len(made.steps(CREATE))
    grafana.seen.clear()
    again = applied(configuration)
    assert again.writes == 0
    assert grafana.writes == []
    assert not again.steps(CREATE, CHANGE, DELETE, KEEP)


# --- before the first write -------------------------------------------------------------------------------------------

REFUSED = {
    "wrong token": (
        Fault("GET", "/api/datasources", 401, {"message": "invalid API key"}),
        'answers 401 to list its data sources: "invalid API key"; check grafana.token_file',
    ),
    "a token without the rights": (
        Fault("GET", "/api/datasources", 403, {"message": "Permissions needed: datasources:read"}),
        'Permissions needed: datasources:read"; the account of grafana.token_file lacks the right',
    ),
    "a proxy that wants a login": (
        Fault("GET", "/api/health", 407, "<html>login</html>"),
        "answers 407 to say how it is;",
    ),
    "a redirect": (
        Fault("GET", "/api/health", 302, "", {"Location": "https://login.example/x?state=1"}),
        "it redirects to https://login.example/x: set grafana.url to where it really is",
    ),
    "an address that is no Grafana": (Fault("GET", "/api/health", 404, "<html>nothing</html>"), "is no Grafana: check"),
    "another program's JSON": (Fault("GET", "/api/health", 200, {"status": "UP"}), "is no Grafana: check grafana.url"),
    "another program's page": (
        Fault("GET", "/api/health", 200, "<html>hello</html>"),
        "is no Grafana: check grafana.url",
    ),
    "too old": (
        Fault("GET", "/api/health", 200, {"database": "ok", "version": "8.5.27"}),
        "is version 8.5.27: 9.2 or later is needed",
    ),
    "its database is gone": (
        Fault("GET", "/api/health", 503, {"database": "failing"}),
        "answers 503 to say how it is; it failed 4 times: see its log",
    ),
    "a page in place of a list": (Fault("GET", "/api/datasources", 200, "<html>"), "is no Grafana that tocsin knows"),
    "an object in place of a list": (Fault("GET", "/api/search", 200, {"a": 1}), "a list expected; check grafana.url"),
    "a board without a board": (
        Fault("GET", "/api/dashboards/uid/tocsin-model", 200, {"meta": {}}),
        "dashboard expected; check grafana.url",
    ),
    "alerting is switched off": (
        Fault("GET", f"{PREFIX}/alert-rules", 404, {"message": "Not found"}),
        'answers 404 to list its alert rules: "Not found"',
    ),
    "a policy tree of another kind": (
        Fault("GET", f"{PREFIX}/policies", 200, {"tree": 1}),
        "its notification policies are not as tocsin knows them",
    ),
    "a server error at a read": (
        Fault("GET", "/api/folders", 500, {"message": "boom"}),
        'answers 500 to show the folder tocsin: "boom"; it failed 4 times: see its log, then run the command again',
    ),
    "busy for ever": (
        Fault("GET", "/api/search", 429, {"message": "slow down"}, {"Retry-After": "1"}),
        "it limits requests: run the command again later",
    ),
    "it closes the connection": (Fault("GET", "/api/search", how="close"), "does not answer to list its boards:"),
    "half an answer": (Fault("GET", "/api/search", how="half"), "does not answer to list its boards:"),
    "no Prometheus": (Fault("GET", "runtimeinfo", 200, {"a": 1}), "is no Prometheus: check prometheus.url"),
    "a Prometheus that wants credentials": (
        Fault("GET", "runtimeinfo", 401, "Unauthorized"),
        "set prometheus.username and prometheus.password_file, or prometheus.token_file",
    ),
    "a Prometheus that speaks TLS": (
        Fault("GET", "runtimeinfo", 400, "Client sent an HTTP request to an HTTPS server.\n"),
        "it speaks TLS: prometheus.url must begin with https",
    ),
    "a Prometheus elsewhere": (
        Fault("GET", "runtimeinfo", 404, "404 page not found"),
        "check prometheus.url, with the path below which it is served",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_is_written_when_a_read_fails(grafana, configuration, name):
    fault, said = REFUSED[name]
    grafana.faults.append(fault)
    (line,) = refused(configuration)
    assert said in line
    assert grafana.url in line
    assert grafana.writes == []


def test_a_server_that_echoes_our_token_does_not_get_it_shown(grafana, configuration):
    grafana.faults.append(Fault("GET", "/api/datasources", 403, {"message": f"Bearer {SECRET} may not"}))
    (line,) = refused(configuration)
    assert '"Bearer … may not"' in line


def test_control_characters_of_an_answer_do_not_reach_the_terminal(grafana, configuration):
    grafana.faults.append(Fault("GET", "/api/datasources", 400, {"message": "a\x1b[2J\nb" + "x" * 5_000}))
    (line,) = refused(configuration)
    assert line.isprintable()


def test_a_server_that_hangs_is_given_up(grafana):
    grafana.faults.append(Fault("GET", "/api/health", how="hang"))
    client = Client(Login("Grafana", grafana.url, "grafana", "x"), timeout_s=0.2)
    with pytest.raises(
        ProvisionError, match=r"did not answer within 0\.2 s to say how it is; is it overloaded or hung"
    ):
        client.find("/api/health", "say how it is")
    assert len(grafana.seen) == 1, "a hung server is not asked again"


def test_nobody_listens(token):
    url = f"http://127.0.0.1:{free_port()}"
    waits = []
    (line,) = refused(values(grafana__url=url, grafana__token_file=token), sleep=waits.append)
    assert line == (
        f"Grafana at {url} does not answer to say how it is: Connection refused; is it running, and is grafana.url "
        "right?"
    )
    assert waits == [0.5, 1.0, 2.0]


def test_a_name_that_nobody_knows(token):
    (line,) = refused(values(grafana__url="http://nobody.invalid:3000", grafana__token_file=token))
    assert "is grafana.url right?" in line


def test_the_alerting_api_is_not_needed_when_somebody_else_judges(grafana, configuration):
    grafana.faults.append(Fault("GET", f"{PREFIX}/", 403, {"message": "no"}))
    made = applied({**configuration, "alerting.judge": "collector"})
    assert made.done


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, pem = str(folder / "key.pem"), str(folder / "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", pem],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    return context, pem


def test_a_certificate_of_an_unknown_authority(certificate, token):
    with double(certificate[0]) as (state, url):
        (line,) = refused(values(grafana__url=url, grafana__token_file=token))
        assert "its certificate is not trusted by the system's authorities: self" in line
        assert "set grafana.ca_file to the PEM file of its authority" in line
        assert state.seen == []


def test_a_certificate_of_the_named_authority(certificate, token):
    with double(certificate[0]) as (state, url):
        applied(values(grafana__url=url, grafana__token_file=token, grafana__ca_file=certificate[1]))
        assert state.boards


def test_tls_where_there_is_none(grafana, token):
    url = grafana.url.replace("http:", "https:")
    (line,) = refused(values(grafana__url=url, grafana__token_file=token))
    assert "no TLS" in line
    assert "is grafana.url http:// or https://?" in line


# --- in the middle of the writes --------------------------------------------------------------------------------------

HALF_WAY = {
    "the server dies": (Fault("POST", WRITE, how="close"), "does not answer to create board tocsin-"),
    "a server error": (Fault("POST", WRITE, 500, {"message": "disk full"}), '"disk full"; it failed 4 times'),
    "somebody saved the board meanwhile": (
        Fault("POST", WRITE, 412, {"message": "The dashboard has been changed by someone else"}),
        "somebody else changed it at the same time: look at `tocsin provision plan`",
    ),
    "no right to save": (Fault("POST", WRITE, 403, {"message": "denied"}), "lacks the right to do so"),
    "a body that it does not take": (
        Fault("POST", WRITE, 400, {"message": "bad"}),
        "is its version one that tocsin knows",
    ),
    "a contact point of the same name": (Fault("POST", "contact-points", 500, {"message": "exists"}), '"exists"'),
    "a folder of the same title": (
        Fault("POST", "/api/folders", 409, {"message": "a folder with the same name already exists"}),
        "something of that name is there already: rename or remove it",
    ),
    "provenance": (
        Fault("POST", "alert-rules", 409, {"message": "cannot change provenance from 'file' to 'api'"}),
        "cannot change provenance from 'file' to 'api'",
    ),
    "an interval that it does not take": (
        Fault("PUT", "rule-groups", 400, {"message": "interval"}),
        "create rule group",
    ),
    "a policy tree that it does not take": (
        Fault("PUT", "policies", 400, {"message": "no"}),
        "create route managed_by",
    ),
}


@pytest.mark.parametrize("name", HALF_WAY)
def test_what_is_done_and_what_not_is_told_and_the_next_apply_finishes(grafana, configuration, name):
    fault, said = HALF_WAY[name]
    grafana.faults.append(fault)
    why, where = refused(configuration)
    assert said in why
    assert " done; not done: " in where
    assert "it goes on from there" in where
    grafana.faults.clear()
    done = len(grafana.sources) + len(grafana.folders) + len(grafana.boards)
    again = applied(configuration)
    assert len(again.done) < len(again.steps()), "what was done is not done again"
    assert done + len(again.done) >= 5
    assert applied(configuration).writes == 0


def test_a_lost_answer_to_a_write_is_found_done_by_the_next_apply(grafana, configuration):
    grafana.faults.append(Fault("POST", WRITE, how="close", after=True, times=1))
    refused(configuration)
    assert len(grafana.boards) == 1
    applied(configuration)
    assert applied(configuration).writes == 0


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_moment_of_trouble_is_waited_out(grafana, configuration, status):
    grafana.faults.append(Fault("POST", WRITE, status, {"message": "later"}, times=2))
    waits = []
    applied(configuration, sleep=waits.append)
    assert waits == [0.5, 1.0]
    assert applied(configuration).writes == 0


@pytest.mark.parametrize(("after", "waited"), [("7", 7.0), ("100000", 30.0), ("-1", 0.0), ("soon", 0.5)])
def test_retry_after_is_followed_within_bounds(grafana, configuration, after, waited):
    grafana.faults.append(Fault("GET", "/api/search", 429, {}, {"Retry-After": after}, times=1))
    waits = []
    applied(configuration, sleep=waits.append)
    assert waits == [waited]


# --- what belongs to others -------------------------------------------------------------------------------------------


def board(uid, title="Mine", folder="tocsin", **meta):
    return {
        "dashboard": {"uid": uid, "title": title, "tags": [], "version": 3, "id": 1},
        "meta": {"folderUid": folder, **meta},
    }


def test_boards_of_others_in_our_folder_stay_and_are_named(grafana, configuration):
    grafana.boards["mine"] = board("mine")
    before = dict(grafana.boards["mine"])
    made = applied(configuration)
    assert steps(made, KEEP) == [("board", "mine")]
    assert made.steps(KEEP)[0].name == 'mine "Mine"'
    pruned(configuration)
    assert grafana.boards["mine"] == before


CONFLICTS = {
    "a board with our uid": (
        lambda s: s.boards.update({"tocsin-fleet": board("tocsin-fleet")}),
        "that is not tocsin's",
    ),
    "a board with our title in our folder": (
        lambda s: s.boards.update({"mine": board("mine", catalogue().boards["tocsin-fleet"]["title"])}),
        "a board of somebody else (mine) has the title",
    ),
    "a data source with our uid": (
        lambda s: s.sources.update({"tocsin-prometheus": {"uid": "tocsin-prometheus", "name": "p"}}),
        "that is not tocsin's: rename or remove it",
    ),
    "a data source with our name": (
        lambda s: s.sources.update({"p": {"uid": "p", "name": "tocsin Prometheus"}}),
        'a data source of somebody else (p) has the name "tocsin Prometheus": rename it',
    ),
    "a contact point with our name": (
        lambda s: s.contacts.update({"c": {"uid": "c", "name": "tocsin", "type": "slack", "settings": {}}}),
        "contact point tocsin",
    ),
    "a rule with our uid": (
        lambda s: s.rules.update({"tocsin-HostDown": {"uid": "tocsin-HostDown", "title": "x", "ruleGroup": "g"}}),
        "alert rule tocsin-HostDown",
    ),
    "a rule with our title in our folder": (
        lambda s: s.rules.update(
            {"r": {"uid": "r", "title": "HostDown", "folderUID": "tocsin", "ruleGroup": "g", "labels": {}}}
        ),
        'a rule of somebody else (r) has the title "HostDown" in the folder tocsin: rename it',
    ),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_what_others_have_in_our_place_is_named_and_nothing_is_written(grafana, configuration, name):
    prepare, said = CONFLICTS[name]
    prepare(grafana)
    *faults, last = refused(configuration)
    assert any(said in fault for fault in faults), faults
    assert last == "nothing was written"
    assert grafana.writes == []


def test_a_board_from_a_file_that_differs_is_a_conflict_and_one_that_does_not_is_fine(grafana, configuration):
    applied(configuration)
    grafana.boards["tocsin-fleet"]["meta"]["provisioned"] = True
    assert not planned(configuration).steps(CONFLICT)
    grafana.boards["tocsin-fleet"]["dashboard"]["title"] = "Mine"
    grafana.boards["tocsin-fleet"]["message"] = ""
    faults = refused(configuration)
    assert "edited by hand, but it is provisioned from a file" in faults[0]


def test_a_rule_from_a_file_that_differs_is_a_conflict(grafana, configuration):
    applied(configuration)
    grafana.rules["tocsin-HostDown"] |= {"for": "7m", "provenance": "file"}
    assert "differs in for, but it is provisioned from a file" in refused(configuration)[0]


def test_policies_from_a_file_are_left_alone_and_the_route_to_add_is_named(grafana, configuration):
    grafana.policies["provenance"] = "file"
    why, _ = refused(configuration)
    assert "add there a route with receiver tocsin and the matcher managed_by=tocsin" in why
    assert grafana.policies == {"receiver": "mail", "routes": [{"receiver": "other"}], "provenance": "file"}


@pytest.mark.parametrize(("provenance", "header"), [("", "true"), ("api", None)])
def test_the_policy_tree_goes_back_as_it_came_with_one_route_more(grafana, configuration, provenance, header):
    if provenance:
        grafana.policies["provenance"] = provenance
    grafana.policies["mute"] = {"somebody": ["else's"]}
    applied(configuration)
    ours, *others = grafana.policies["routes"]
    assert ours["object_matchers"] == [["managed_by", "=", "tocsin"]]
    assert others == [{"receiver": "other"}]
    assert grafana.policies["receiver"] == "mail"
    assert grafana.policies["mute"] == {"somebody": ["else's"]}
    at = next(i for i, seen in enumerate(grafana.seen) if seen[0] == "PUT" and seen[1].endswith("/policies"))
    assert grafana.headers[at].get("X-Disable-Provenance") == header


def test_somebodys_own_route_for_our_alerts_stays(grafana, configuration):
    own = {"receiver": "pager", "object_matchers": [["managed_by", "=", "tocsin"]]}
    grafana.policies["routes"] = [own]
    made = applied(configuration)
    route = next(step for step in made.steps(UNCHANGED) if step.kind == "route")
    assert route.reason == "its alerts go to pager, by somebody's own route"
    assert grafana.policies["routes"] == [own]
    pruned({**configuration, "alerting.judge": "collector"})
    assert grafana.policies["routes"] == [own]


# --- drift and what is no longer wanted -------------------------------------------------------------------------------


def test_hand_edits_are_shown_as_drift_and_put_right(grafana, configuration):
    applied(configuration)
    grafana.boards["tocsin-fleet"]["dashboard"] |= {"title": "Mine", "version": 2}
    grafana.boards["tocsin-fleet"]["message"] = ""
    grafana.boards["tocsin-model"]["meta"]["folderUid"] = "elsewhere"
    grafana.rules["tocsin-HostDown"] |= {"for": "7m", "folderUID": "elsewhere"}
    grafana.sources["tocsin-prometheus"]["url"] = "http://elsewhere"
    grafana.contacts["tocsin"]["settings"] = {"url": "http://elsewhere", "httpMethod": "POST"}
    grafana.folders["tocsin"]["title"] = "Mine"
    grafana.groups["tocsin-host"] = 300
    drift = {(step.kind, step.key): step.reason for step in planned(configuration).steps(CHANGE)}
    assert drift == {
        ("data source", "tocsin-prometheus"): "differs in url",
        ("folder", "tocsin"): "differs in title",
        ("board", "tocsin-fleet"): "edited by hand",
        ("board", "tocsin-model"): "edited by hand",
        ("contact point", "tocsin"): "differs in settings.url",
        ("alert rule", "tocsin-HostDown"): "differs in folderUID, for",
        ("rule group", "tocsin-host"): "differs in interval",
    }
    assert len(applied(configuration).done) == len(drift)
    assert applied(configuration).writes == 0


def test_a_board_that_the_server_brought_to_its_own_schema_is_not_drift(grafana, configuration):
    applied(configuration)
    for each in grafana.boards.values():
        each["dashboard"] |= {"schemaVersion": 42, "preload": False}
    assert applied(configuration).writes == 0


def test_prune_removes_ours_that_are_no_longer_wanted_and_nothing_else(grafana, configuration):
    more = catalogue()
    more.boards["tocsin-old"] = {**more.boards["tocsin-model"], "uid": "tocsin-old", "title": "Old"}
    applied(configuration, more)
    grafana.rules["mine"] = {"uid": "mine", "title": "Mine", "folderUID": "tocsin", "ruleGroup": "x"}
    copy = {**grafana.boards["tocsin-fleet"]["dashboard"], "uid": "copied", "title": "My copy"}
    grafana.boards["copied"] = {"dashboard": copy, "meta": {"folderUid": "tocsin"}}
    shipped = catalogue({})
    unjudged = {**configuration, "alerting.judge": "collector"}
    made = pruned(unjudged, shipped)
    assert steps(made, DELETE) == [
        ("route", "managed_by=tocsin"),
        ("alert rule", "tocsin-HostMemoryLow"),
        ("alert rule", "tocsin-HostDown"),
        ("contact point", "tocsin"),
        ("board", "tocsin-old"),
    ]
    assert set(grafana.rules) == {"mine"}
    assert set(grafana.boards) == set(shipped.boards) | {"copied"}
    assert grafana.contacts == {}
    assert grafana.policies["routes"] == [{"receiver": "other"}]
    assert pruned(unjudged, shipped).writes == 0


def test_a_plan_and_a_prune_without_anything_to_remove_write_nothing(grafana, configuration):
    assert planned(configuration).writes == pruned(configuration).writes == 0
    assert grafana.writes == []


# --- what is wanted ---------------------------------------------------------------------------------------------------


def test_the_interval_is_that_of_prometheus_own_scrapes_of_tocsin(grafana, configuration):
    grafana.jobs = {"tocsin-agent": "1m", "tocsin-collector": "15s", "other": "1h"}
    applied(configuration)
    assert grafana.sources["tocsin-prometheus"]["jsonData"]["timeInterval"] == "60s"
    grafana.jobs = {"other": "1h"}
    applied(configuration)
    assert grafana.sources["tocsin-prometheus"]["jsonData"]["timeInterval"] == "15s"


def test_secrets_are_sent_but_neither_shown_nor_kept_and_a_new_one_is_noticed(grafana, configuration, tmp_path):
    key = tmp_path / "key"
    key.write_text("an-api-key")
    configuration |= {"elasticsearch.urls": ["http://es:9200"], "elasticsearch.api_key_file": str(key)}
    made = applied(configuration)
    assert "an-api-key" not in repr(made)
    kept = grafana.sources["tocsin-elasticsearch"]
    assert "an-api-key" not in repr(kept)
    assert kept["jsonData"]["index"] == "logs-*-default"
    assert applied(configuration).writes == 0
    key.write_text("another-key")
    assert [step.reason for step in applied(configuration).done] == ["differs in jsonData.tocsinSecrets"]
    configuration["elasticsearch.api_key_file"] = ""
    assert [step.key for step in applied(configuration).done] == ["tocsin-elasticsearch"], "none is noticed too"
    assert "httpHeaderName1" not in grafana.sources["tocsin-elasticsearch"]["jsonData"]


BROKEN = {
    "a board": (lambda shipped: shipped.boards["tocsin-fleet"]["panels"][1].update(targets=[]), "tocsin-fleet"),
    "a board that is none": (lambda shipped: shipped.boards.update({"tocsin-x": {"uid": "tocsin-x"}}), "tocsin-x"),
    "a board with a foreign uid": (
        lambda shipped: shipped.boards["tocsin-fleet"].update(uid="fleet"),
        "its uid must begin with tocsin-",
    ),
    "two boards with one title": (
        lambda shipped: shipped.boards["tocsin-fleet"].update(title=shipped.boards["tocsin-model"]["title"]),
        "is that of",
    ),
    "a rule": (
        lambda shipped: shipped.rules.update(
            {"a.yml": shipped.rules["tocsin-host.rules.yml"].replace("== 0", "== 0)")}
        ),
        "closes nothing",
    ),
    "a rule file": (lambda shipped: shipped.rules.update({"a.yml": "groups: ["}), "a.yml: line 1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_board_or_rule_is_refused_before_anybody_is_asked(grafana, configuration, name):
    change, said = BROKEN[name]
    shipped = catalogue()
    change(shipped)
    with pytest.raises(ProvisionError) as caught:
        applied(configuration, shipped)
    assert any(said in fault for fault in caught.value.faults), caught.value.faults
    assert grafana.seen == []


# --- configuration ----------------------------------------------------------------------------------------------------

URL = "http://127.0.0.1:1"
MISCONFIGURED = {
    "nothing": ({}, "nothing to provision: neither grafana.url nor prometheus.rules_dir is set"),
    "no credentials": ({"grafana__url": URL}, "grafana.token_file, or grafana.username with grafana.password_file"),
    "no password": ({"grafana__url": URL, "grafana__username": "a"}, "grafana.username needs grafana.password_file"),
    "both": (
        {"grafana__url": URL, "grafana__username": "a", "grafana__token_file": "t"},
        "grafana.token_file and grafana.username are both set",
    ),
    "a token file that is not there": (
        {"grafana__url": URL, "grafana__token_file": "/nowhere/token"},
        "/nowhere/token: the secret cannot be read: No such file",
    ),
    "a password without its user": (
        {"prometheus__url": URL, "prometheus__password_file": "p"},
        "prometheus.password_file needs prometheus.username",
    ),
    "a user of Alertmanager without a password": (
        {"alertmanager__url": URL, "alertmanager__username": "u"},
        "alertmanager.username needs alertmanager.password_file",
    ),
    "an empty token file": ({"grafana__url": URL, "grafana__token_file": os.devnull}, "the file is empty"),
    "no address": ({"grafana__url": "grafana:3000", "grafana__token_file": "t"}, "http://host:port expected"),
    "a port that is none": (
        {"grafana__url": "http://a:99999", "grafana__token_file": "t"},
        "http://host:port expected",
    ),
    "a password in the address": (
        {"grafana__url": "http://u:hunter2@grafana", "grafana__token_file": "t"},
        "grafana.url: a user or password does not belong into an address",
    ),
    "a query in the address": ({"prometheus__url": "http://a/?x=1"}, "the address without ? and # expected"),
    "no folder": (
        {"prometheus__rules_dir": "/nowhere"},
        "no such folder; make it, and name it in Prometheus' rule_files",
    ),
    "no authority": (
        {"grafana__url": URL, "grafana__token_file": "t", "grafana__ca_file": "/nowhere"},
        "grafana.ca_file = /nowhere: cannot be read: No such file",
    ),
    "an authority that is none": (
        {"grafana__url": URL, "grafana__token_file": "t", "grafana__ca_file": __file__},
        "no certificate in PEM form is in it",
    ),
    "a judge without its Prometheus": (
        {"grafana__url": URL, "grafana__token_file": "t", "alerting__judge": "grafana"},
        "alerting.judge = grafana: grafana.url and prometheus.url are needed",
    ),
    "both of Elasticsearch's": (
        {"elasticsearch__api_key_file": "k", "elasticsearch__username": "u"},
        "elasticsearch.api_key_file and elasticsearch.username are both set",
    ),
}


def test_a_token_that_no_header_holds_is_told(tmp_path):
    (tmp_path / "token").write_text("töken\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="a token has no other characters than those of ASCII"):
        planned(values(grafana__url=URL, grafana__token_file=str(tmp_path / "token")))


@pytest.mark.parametrize("name", MISCONFIGURED)
def test_a_configuration_that_cannot_work_is_told_in_one_line(name):
    given, said = MISCONFIGURED[name]
    with pytest.raises(ConfigError) as caught:
        planned(values(**given))
    assert any(said in fault for fault in caught.value.faults), caught.value.faults
    assert "hunter2" not in str(caught.value)
