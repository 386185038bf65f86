"""The agent as a process: from its first line to its end."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

import tocsin_agent
import tocsin_schema

pytestmark = pytest.mark.system

STDLIB_MODULES = 66
"""The most modules of the standard library that a running agent may have; an interpreter with -I begins with 30."""


@pytest.fixture
def agent() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start `tocsin-agent` with some arguments; ended at the end."""
    started: list[subprocess.Popen] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "tocsin_agent", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, env=os.environ | environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen) -> str:
    """What the first line of the log says."""
    line = process.stderr.readline()
    assert line.startswith("tocsin_agent_listening address=http://127.0.0.1:"), line + process.stderr.read()
    return line.strip().partition("address=")[2]


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal_and_ends_within_a_second(agent, series, number):
    process = agent("run", "--listen", "127.0.0.1:0")
    url = address(process)
    for _ in range(2):
        found = series(fetch(f"{url}/metrics"))
    assert found["node_scrape_collector_success", frozenset({("collector", "cpu")})] == 1
    assert found["tocsin_agent_http_requests_total", frozenset({("code", "200")})] == 1
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(5) == 0
    assert time.monotonic() - began < 1
    assert process.stderr.read().splitlines()[-1] == "tocsin_agent_stopped"


def test_once_prints_one_scrape(agent, series):
    output, errors = agent("run", "--once").communicate(timeout=20)
    found = series(output.encode())
    assert found["node_load1", frozenset()] >= 0
    assert errors == ""


def test_once_into_a_closed_pipe_fails_quietly(agent):
    process = agent("run", "--once")
    process.stdout.close()
    assert process.wait(20) == 1
    assert process.stderr.read() == ""


def test_a_port_in_use_is_a_clear_failure(agent):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        process = agent("run", "--listen", listen)
        assert process.wait(20) == 1
    assert process.stderr.read().splitlines() == [
        f"cannot listen on {listen}: Address already in use",
        "try: --listen 127.0.0.1:0 for a free port, or `ss -ltnp` to see who has this one",
    ]


POWERLESS = [] if os.geteuid() else ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
"""A root who may do no more than others."""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("run", "--listen", "127.0.0.1:80"),
            ["cannot listen on 127.0.0.1:80: Permission denied", "try: a port above 1023"],
        ),
        (
            ("check", "--config", "{file}"),
            ["tocsin-agent: {file}: cannot be read: Permission denied", "try: as a user who may read it"],
        ),
    ],
)
def test_what_is_not_allowed_is_a_77(tmp_path, arguments, told):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as first:
        if "--listen" in arguments and int(first.read()) <= 80:
            pytest.skip("every port is free to all here, as in many containers")
    file = tmp_path / "agent.toml"
    file.write_text("")
    file.chmod(0)
    command = [*POWERLESS, sys.executable, "-m", "tocsin_agent", *[word.format(file=file) for word in arguments]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert (done.stderr.splitlines(), done.returncode) == ([line.format(file=file) for line in told], 77)


def test_check_tells_every_fault_and_starts_nothing(agent, tmp_path):
    (tmp_path / "agent.toml").write_text('lissten = "x"\n[logs]\nfiles = 5\n')
    process = agent("check", "--config", str(tmp_path / "agent.toml"), TOCSIN_AGENT_GPU="maybe")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 78
    assert "lissten: unknown key; did you mean listen?" in errors
    assert "logs.files: list expected, found 5" in errors
    assert "TOCSIN_AGENT_GPU='maybe': boolean expected" in errors


def test_check_of_a_good_file_says_so(agent, tmp_path):
    (tmp_path / "agent.toml").write_text('listen = "127.0.0.1:1"\n')
    process = agent("check", "--config", str(tmp_path / "agent.toml"))
    assert process.communicate(timeout=20) == ("ok: would listen on 127.0.0.1:1\n", "")
    assert process.returncode == 0


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_bad_web_yml_is_a_wrong_configuration(agent, tmp_path, command):
    (tmp_path / "web.yml").write_text("tls_server_config:\n  key_file: a\n")
    process = agent(command, TOCSIN_AGENT_WEB_CONFIG_FILE=str(tmp_path / "web.yml"))
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 78
    assert errors.splitlines() == [
        f"tocsin-agent: {tmp_path}/web.yml: tls_server_config.cert: one of cert and cert_file expected",
        "try: tocsin-agent check, after that is mended",
    ]


def test_without_pyyaml_a_web_yml_is_a_wrong_configuration(tmp_path):
    """As with -S, which leaves out what is installed."""
    (tmp_path / "web.yml").write_text("")
    paths = [os.path.dirname(os.path.dirname(str(module.__file__))) for module in (tocsin_agent, tocsin_schema)]
    code = (
        f"import sys; sys.path[:0] = {paths!r}; sys.argv = ['tocsin-agent', 'run', '--listen', '127.0.0.1:0']\n"
        "from tocsin_agent.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False, timeout=20,
        env={"TOCSIN_AGENT_WEB_CONFIG_FILE": str(tmp_path / "web.yml")},
    )  # fmt: skip
    assert done.returncode == 78
    assert "PyYAML is needed to read it: apt install python3-yaml" in done.stderr


def test_a_source_that_is_not_chosen_is_not_there(agent, series):
    output, _ = agent("run", "--once", TOCSIN_AGENT_SOURCES="loadavg,stat").communicate(timeout=20)
    collectors = {dict(labels).get("collector") for _, labels in series(output.encode())} - {None}
    assert collectors == {"loadavg", "stat"}


def test_sources_on_the_command_line_win(agent, series):
    process = agent("run", "--once", "--sources", "uname", TOCSIN_AGENT_SOURCES="loadavg,stat")
    output, _ = process.communicate(timeout=20)
    assert {dict(labels).get("collector") for _, labels in series(output.encode())} - {None} == {"uname"}


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        ((), 2, "a command expected"),
        (("--help",), 0, "usage:"),
        (("--version",), 0, "tocsin-agent 0."),
        (("list",), 0, "source  cpu"),
    ],
)
def test_help_version_list_and_wrong_usage(agent, arguments, status, text):
    process = agent(*arguments)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == status
    assert text in output + errors


def test_who_asks_again_has_it_ended_at_once(agent):
    process = agent("run", "--listen", "127.0.0.1:0")
    url = address(process)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\n")
        limit = time.monotonic() + 5  # half of what a client has for its head
        while process.poll() is None:
            assert time.monotonic() < limit
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
    # The interpreter drops its handlers while it ends: then the signal itself ends what is left.
    assert process.returncode in (0, 128 + signal.SIGTERM, -signal.SIGTERM)


def test_without_a_gpu_only_the_standard_library_is_loaded():
    """As a unit file would start it, -I -S and the two packages on the path."""
    paths = [os.path.dirname(os.path.dirname(str(module.__file__))) for module in (tocsin_agent, tocsin_schema)]
    code = (
        f"import sys; sys.path[:0] = {paths!r}; sys.argv = ['tocsin-agent', 'run', '--once']\n"
        "from tocsin_agent.__main__ import main; main()\n"
        "from tocsin_agent import parts, settings; parts.Parts().start_tasks(settings.settings(None, None))\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN")}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stderr.split()
    foreign = [
        name
        for name in loaded
        if name.partition(".")[0] not in sys.stdlib_module_names | {"tocsin_agent", "tocsin_schema", "__main__"}
    ]
    assert foreign == []
    standard = [name for name in loaded if name.partition(".")[0] in sys.stdlib_module_names]
    assert len(standard) <= STDLIB_MODULES, standard
