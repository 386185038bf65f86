"""The command, over a real Prometheus that watches itself."""

import json
import re
import urllib.parse
import urllib.request

import pytest

from tests.servers import prometheus as server
from tests.servers.cache import have
from tests.servers.process import free_port, until
from tocsin_dashboards.preview.__main__ import main

_CONFIG = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: tocsin-agent
    static_configs: [{{targets: ["{address}"]}}]
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    have(server.binary)
    folder = tmp_path_factory.mktemp("preview")
    with server.prometheus(str(folder), _CONFIG.format(address="127.0.0.1:1")) as running:
        address = running.url.removeprefix("http://")
        (folder / "prometheus.yml").write_text(_CONFIG.format(address=address))
        urllib.request.urlopen(urllib.request.Request(f"{running.url}/-/reload", method="POST"), timeout=5).close()
        until(lambda: _value(running.url, "count_over_time(up[1m]) >= 4 and up == 1"), "four scrapes of itself")
        yield running


def _value(url, query):
    asked = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"{url}/api/v1/query?{asked}", timeout=5) as answer:
        return json.load(answer)["data"]["result"]


@pytest.mark.system
@pytest.mark.parametrize("board", ["fleet", "model", "pipeline"])
def test_a_real_prometheus_takes_every_query(watched, board, tmp_path, capsys):
    output = tmp_path / "board.html"
    asked = ["--prometheus", watched.url, "--board", board, "--output", str(output), "--range", "5m", "--open"]
    assert main([*asked, "--scrape-interval", "1s"]) == 0
    assert capsys.readouterr().out.endswith(" 0 queries refused\n")
    text = output.read_text(encoding="utf-8")
    assert "no data" in text or "no agent" in text or "no window" in text
    if board == "pipeline":
        assert f"tocsin-agent {watched.url.removeprefix('http://')}" in text


@pytest.mark.system
def test_a_variable_narrows_the_board(watched, tmp_path, capsys):
    output = str(tmp_path / "board.html")
    asked = ["--prometheus", watched.url, "--board", "pipeline", "--output", output, "--range", "5m"]
    assert main([*asked, "--var", "job=tocsin-agent"]) == 0
    some = capsys.readouterr().out
    assert main([*asked, "--var", "job=nobody"]) == 0
    none = capsys.readouterr().out
    counted = [re.search(r"(\d+) panels, (\d+) without data", said).groups() for said in (some, none)]
    assert int(counted[0][0]) > int(counted[0][1])
    assert counted[1][0] == counted[1][1]


def test_no_prometheus_is_told_in_one_line(tmp_path, capsys):
    url = f"http://127.0.0.1:{free_port()}"
    assert main(["--prometheus", url, "--board", "model", "--output", str(tmp_path / "x.html")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"no query could be run: A: {url}")
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--var", "pod=x"], "the board model has no variable pod; it has job, instance, project, model, feature"),
        (["--var", "model"], "write NAME=VALUE"),
        (["--range", "soon"], "soon is no length of time"),
        (["--range", "0s"], "0s is no length of time"),
        (["--board", "none"], "invalid choice"),
    ],
)
def test_a_wrong_call_is_told(arguments, said, tmp_path, capsys):
    asked = ["--prometheus", "http://127.0.0.1:1", "--board", "model", "--output", str(tmp_path / "x.html")]
    try:
        code = main([*asked, *arguments])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert said in capsys.readouterr().err
