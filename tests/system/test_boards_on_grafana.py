"""Every board as `tocsin provision` puts it into the real Grafana: each query of each panel has data there."""

import base64
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tests.servers import grafana as server
from tests.servers.cache import have
from tests.servers.process import until
from tests.system.stack import collector_environ, stack

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
COMMAND = [sys.executable, "-m", "tocsin_collector", "provision"]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    have(server.home)
    with stack(tmp_path_factory.mktemp("stack")) as everything:
        yield everything


@pytest.fixture(scope="module")
def provisioned(running):
    done = _provision(running, "apply")
    assert done.returncode == 0, done.stdout + done.stderr
    return running


def _provision(stack, *arguments):
    return subprocess.run(
        [*COMMAND, *arguments], check=False, env=collector_environ(stack), capture_output=True, text=True, timeout=60
    )


def _ask(stack, path, body=None):
    token = base64.b64encode(f"{server.USER}:{server.PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        stack.grafana.url + path, headers=headers, data=None if body is None else json.dumps(body).encode()
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return json.load(error)


def _boards(stack):
    found = _ask(stack, "/api/search?type=dash-db&tag=tocsin")
    return {item["uid"]: _ask(stack, f"/api/dashboards/uid/{item['uid']}")["dashboard"] for item in found}


def _panels(board):
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def _queries(board):
    """Panel and target, with variables as `All` and the range's own ones left to Grafana."""
    names = {item["name"]: item.get("allValue") for item in board["templating"]["list"]}
    for panel in _panels(board):
        for target in panel.get("targets", []):
            expr = target["expr"]
            for name, every in names.items():
                expr = re.sub(rf"\$\{{?{name}(:\w+)?\}}?(?!\w)", every or ".+", expr)
            assert "$" not in re.sub(r"\$__\w+", "", expr), expr
            yield panel, {**target, "expr": expr}


def _empty(stack, board):
    """The queries of a board that bring no value, as lines."""
    now = int(time.time() * 1000)
    missing = []
    for panel, target in _queries(board):
        query = {
            "refId": "A",
            "expr": target["expr"],
            "datasource": {"type": "prometheus", "uid": "tocsin-prometheus"},
            "intervalMs": 1000,
            "maxDataPoints": 500,
            **({"instant": True} if target.get("instant") else {"range": True}),
        }
        answer = _ask(stack, "/api/ds/query", {"from": str(now - 120_000), "to": str(now), "queries": [query]})
        result = answer.get("results", {}).get("A", {})
        frames = result.get("frames", [])
        points = [
            value for frame in frames for column in frame["data"]["values"][1:] for value in column if value is not None
        ]
        if not points:
            error = result.get("error", "no series" if not frames else "only empty values")
            missing.append(f"{board['uid']} panel {panel['id']} ({panel['title']}) {target['expr']}: {error}")
    return missing


def test_every_query_of_every_board_has_data_in_grafana(provisioned):
    boards = _boards(provisioned)
    assert set(boards) == {"tocsin-fleet", "tocsin-model", "tocsin-pipeline"}
    shown = [panel for board in boards.values() for panel in _panels(board) if panel["type"] != "row"]
    assert len(shown) >= 40
    for board in boards.values():
        missing = []

        def all_there(board=board, missing=missing):
            missing[:] = _empty(provisioned, board)
            return not missing

        try:
            until(all_there, "", limit_s=60, every_s=2)
        except AssertionError:
            raise AssertionError("\n".join(missing)) from None


def test_every_variable_of_every_board_has_values(provisioned):
    for board in _boards(provisioned).values():
        for variable in board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            metric, label = re.fullmatch(r"label_values\((\w+).*, (\w+)\)", variable["query"]["query"]).groups()
            path = f"/api/datasources/uid/tocsin-prometheus/resources/api/v1/label/{label}/values?match[]={metric}"
            assert _ask(provisioned, path)["data"], f"{board['uid']} ${variable['name']}: no value of {metric}"


def test_a_second_apply_writes_nothing(provisioned):
    done = _provision(provisioned, "plan", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {step["action"] for step in json.loads(done.stdout)["steps"]} == {"unchanged"}
    again = _provision(provisioned, "apply", "--json")
    assert again.returncode == 0, again.stdout + again.stderr
    assert json.loads(again.stdout)["writes"] == 0
