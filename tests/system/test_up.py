"""`tocsin up` as a person runs it: impatient at its end, and in an environment that was made for something else."""

import signal
import urllib.request

import pytest
from click.testing import CliRunner

from tests.servers.process import until
from tests.system.terminal import demo, up
from tocsin_collector.__main__ import main

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


def _get(address):
    with urllib.request.urlopen(address, timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGHUP])
def test_who_presses_ctrl_c_again_and_again_leaves_no_folder_and_sees_no_traceback(tmp_path, first):
    with demo(1, TMPDIR=str(tmp_path)) as terminal:
        assert list(tmp_path.glob("tocsin-demo-*"))
        terminal.process.send_signal(first)
        terminal.wait("ending", 10)
        while terminal.process.poll() is None:
            terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.returncode == 0
    assert terminal.lines[-1] == "ended\n"
    assert list(tmp_path.glob("tocsin-demo-*")) == []


def test_agent_and_collector_find_each_other_whatever_the_environment_says(tmp_path):
    elsewhere = {
        "TOCSIN_AGENT_LISTEN": "127.0.0.1:1",
        "TOCSIN_COLLECTOR": "http://127.0.0.1:1",
        "TOCSIN_AGENTS": "http://127.0.0.1:1",
        "TOCSIN_DATA_DIR": str(tmp_path / "elsewhere"),
        "TOCSIN_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    with up("--data", str(tmp_path / "data"), **elsewhere) as terminal:
        page = terminal.wait(r"page +(http://\S+)/", 60)[1]
        agent = terminal.wait(r"agent +(http://\S+)", 5)[1]
        until(lambda: "1 of 1 answer" in _get(page + "/"), "the page has the agent")
        assert agent in _get(page + "/")
        assert "tocsin_" in _get(agent + "/metrics")
        told = "".join(terminal.lines)
    assert "passes over TOCSIN_DATA_DIR, TOCSIN_AGENTS" in told
    assert "passes over TOCSIN_AGENT_LISTEN, TOCSIN_COLLECTOR" in told
    assert "TOCSIN_RUNTIME_DIR" not in told
    assert not (tmp_path / "elsewhere").exists()


def test_the_demo_reads_its_own_servers_metrics_whatever_folder_is_exported(tmp_path):
    with demo(1, TOCSIN_RUNTIME_DIR=str(tmp_path)) as terminal:
        agent = terminal.wait(r"agent +(http://\S+)", 60)[1]
        until(lambda: "tocsin_inference_requests_total{" in _get(agent + "/metrics"), "requests are counted", 60)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--listen", "10301"), 2, "'10301' is no ADDRESS:PORT"),
        (("--data", "/proc/nobody"), 1, "tocsin up: /proc/nobody: No such file or directory; --data names another"),
    ],
)
def test_what_cannot_be_is_one_line(options, code, said):
    done = CliRunner().invoke(main, ["up", *options])
    assert (done.exit_code, said in done.output) == (code, True), done.output
