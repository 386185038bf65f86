"""The real Grafana over a real Prometheus: what is written is there, works, and goes; what is others' stays."""

import base64
import contextlib
import json
import os
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.collector.provision.shop import applied, catalogue, planned, pruned, steps, values
from tests.servers import grafana as server
from tests.servers import prometheus as prometheus_server
from tests.servers.cache import have
from tests.servers.process import free_port, until
from tocsin_collector.notifications.notification import notification
from tocsin_collector.provision import export
from tocsin_collector.provision.desired import Catalogue
from tocsin_collector.provision.difference import CHANGE, CONFLICT, CREATE, DELETE, KEEP, UNCHANGED
from tocsin_collector.provision.fault import ProvisionError
from tocsin_collector.provision.plan import APPLY, take

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
PREFIX = "/api/v1/provisioning"
_PROMETHEUS = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: tocsin-agent
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Webhook(BaseHTTPRequestHandler):
    """Keeps what Grafana sends; also an agent's /metrics."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies.append((self.path, body))
        self._answer(b'{"messages": 1}')

    def do_GET(self):
        self._answer(b"a_metric 1\n")

    def _answer(self, body):
        self.send_response(200)
        self.send_header("content-type", "text/plain; version=0.0.4")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def listening(port=0):
    listener = ThreadingHTTPServer(("127.0.0.1", port), Webhook)
    listener.bodies = []
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield listener
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


class Stack:
    """Grafana, Prometheus and a webhook. ``agent`` is the port of an agent that is not there."""

    def __init__(self, grafana, prometheus, webhook, agent, password):
        self.grafana, self.prometheus, self.webhook, self.agent = grafana, prometheus, webhook, agent
        self.login = {"grafana__url": grafana.url, "grafana__username": server.USER, "grafana__password_file": password}

    def values(self, **given):
        page = f"http://127.0.0.1:{self.webhook.server_address[1]}"
        more = {"prometheus__url": self.prometheus.url, "alerting__page_url": page, "alerting__judge": "grafana"}
        return values(**{**self.login, **more, **given})

    def ask(self, method, path, body=None):
        token = base64.b64encode(f"{server.USER}:{server.PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            self.grafana.url + path,
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Basic {token}", "Content-Type": "application/json", "X-Disable-Provenance": "true"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    have(server.home)
    have(prometheus_server.binary)
    folder, agent = tmp_path_factory.mktemp("provision"), free_port()
    (folder / "password").write_text(server.PASSWORD)
    config = _PROMETHEUS.format(port=agent)
    with (
        server.grafana(str(folder)) as grafana,
        prometheus_server.prometheus(str(folder), config) as prometheus,
        listening() as webhook,
    ):
        yield Stack(grafana, prometheus, webhook, agent, str(folder / "password"))


@pytest.fixture(autouse=True)
def clean(request):
    """Nothing of ours is left after a test."""
    yield
    if "stack" in request.fixturenames:
        pruned(values(**request.getfixturevalue("stack").login), Catalogue({}, {}))


def test_apply_then_nothing_then_prune_and_what_is_others_stays(stack):
    applied(values(**stack.login), Catalogue({}, {}))  # the folder alone, as an earlier test may have left it
    board = {"uid": "mine", "title": "Mine", "tags": ["tocsin"], "panels": []}
    stack.ask("POST", "/api/dashboards/db", {"dashboard": board, "folderUid": "tocsin"})
    contact = {"name": "mine", "type": "webhook", "settings": {"url": "http://127.0.0.1:1"}}
    stack.ask("POST", f"{PREFIX}/contact-points", contact)
    tree = stack.ask("GET", f"{PREFIX}/policies")
    tree["routes"] = [{"receiver": "mine", "object_matchers": [["team", "=", "a"]], "continue": True}]
    stack.ask("PUT", f"{PREFIX}/policies", tree)
    others = ["/api/dashboards/uid/mine", f"{PREFIX}/policies"]
    before = [stack.ask("GET", path) for path in others]

    first = applied(stack.values())
    assert len(first.done) == len(first.steps(CREATE, CHANGE)) >= 8
    (note,) = first.notes
    assert note.startswith("Prometheus lacks 1 of tocsin's rules (model:tocsin_up:sum): nothing fires without them.")
    assert stack.ask("GET", "/api/datasources/uid/tocsin-prometheus")["jsonData"]["timeInterval"] == "1s"
    assert stack.ask("GET", f"{PREFIX}/folder/tocsin/rule-groups/tocsin-host")["interval"] == 10
    second = applied(stack.values())
    assert second.writes == 0
    assert steps(second, KEEP) == [("board", "mine")]
    assert len(second.steps(UNCHANGED)) == len(first.steps()) - 1

    removed = pruned(values(**stack.login), Catalogue({}, {}))
    # The folder stays, for it may hold what is others', as their board does; a group goes with its last rule.
    assert len(removed.done) == len(removed.steps(DELETE)) == len(first.steps()) - 3
    assert [stack.ask("GET", path) for path in others] == before
    assert stack.ask("GET", f"{PREFIX}/alert-rules") == []
    stack.ask("PUT", f"{PREFIX}/policies", {**tree, "routes": []})
    stack.ask("DELETE", "/api/dashboards/uid/mine")


def test_hand_edits_are_drift_and_a_board_saved_meanwhile_is_not_overwritten(stack):
    applied(stack.values())
    got = stack.ask("GET", "/api/dashboards/uid/tocsin-fleet")["dashboard"]
    stack.ask("POST", "/api/dashboards/db", {"dashboard": {**got, "refresh": "5s"}, "folderUid": "tocsin"})
    made = planned(stack.values())
    assert [(step.key, step.reason) for step in made.steps(CHANGE)] == [("tocsin-fleet", "edited by hand")]
    got = stack.ask("GET", "/api/dashboards/uid/tocsin-fleet")["dashboard"]
    stack.ask("POST", "/api/dashboards/db", {"dashboard": {**got, "refresh": "7s"}, "folderUid": "tocsin"})
    with pytest.raises(ProvisionError, match="The dashboard has been changed by someone else"):
        take(made, APPLY, lambda _: None)
    assert stack.ask("GET", "/api/dashboards/uid/tocsin-fleet")["dashboard"]["refresh"] == "7s"
    assert [step.key for step in applied(stack.values()).done] == ["tocsin-fleet"]
    assert applied(stack.values()).writes == 0


def test_the_whole_catalogue_is_taken_as_it_is(stack):
    """Every alert that is shipped: Grafana gives back what it was given, so a second apply finds nothing."""
    from tocsin_collector.provision.desired import shipped

    everything = shipped(stack.values(grafana__public_url="http://grafana.example"))
    applied(stack.values(), everything)
    assert applied(stack.values(), everything).writes == 0


def test_a_rule_fires_with_its_text_and_resolves(stack):
    stack.webhook.bodies.clear()
    applied(stack.values())
    path, sender, alert = until(lambda: told(stack, firing=True), "Grafana calls the webhook", limit_s=60)
    assert (path, sender) == ("/v1/notifications", "Grafana")
    assert alert.annotations["summary"] == f"agent 127.0.0.1:{stack.agent} is at 0", "the value is the query's"
    assert alert.annotations["dashboard_url"].endswith(f"viewPanel=1&var-instance=127.0.0.1%3A{stack.agent}")
    assert alert.labels["severity"] == "critical"
    stack.webhook.bodies.clear()
    with listening(stack.agent):
        until(lambda: told(stack, firing=False), "it is over", limit_s=90)


def told(stack, *, firing):
    """The first message about a host that is down, or about its return; None before there is one.

    Others may come before it: a rule that an earlier test removed is judged once more, without its data source.
    """
    for path, body in list(stack.webhook.bodies):
        message = notification(body)
        for alert in message.alerts:
            if (alert.name, alert.firing) == ("HostDown", firing):
                return path, message.sender, alert
    return None


def test_a_wrong_password_is_one_line(stack, tmp_path):
    (tmp_path / "wrong").write_text("wrong")
    with pytest.raises(ProvisionError) as caught:
        planned(stack.values(grafana__password_file=str(tmp_path / "wrong")))
    said = '"invalid username or password"; check grafana.username and grafana.password_file'
    assert str(caught.value) == f"Grafana at {stack.grafana.url} answers 401 to list its data sources: {said}"


def test_what_is_exported_is_taken_by_grafana_at_its_start_and_needs_no_apply(stack, tmp_path):
    folder = tmp_path / "grafana" / "provisioning"
    os.makedirs(folder)
    configuration = stack.values(scrape_interval_s=1.0, alerting__judge="collector")
    export.write_all(str(folder), export.files("grafana", catalogue(), configuration, str(folder)))
    with server.grafana(str(tmp_path)) as second:
        made = planned({**configuration, "grafana.url": second.url})
        assert not made.steps(CREATE, CHANGE, DELETE, KEEP, CONFLICT), [(s.name, s.reason) for s in made.steps()]
