"""The agent in one file: it runs where nothing is installed, and does what the installed one does."""

import glob
import os
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.certificates import Authority
from tocsin_agent import listing

pytestmark = pytest.mark.system

BUILDER = Path(__file__).parents[2] / "agent/onefile.py"
BARE = [sys.executable, "-I", "-S"]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("TOCSIN", "PYTHON"))}


def built(target: Path) -> Path:
    subprocess.run([sys.executable, str(BUILDER), str(target)], check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def onefile(tmp_path_factory) -> Path:
    return built(tmp_path_factory.mktemp("dist") / "tocsin-agent.pyz")


@pytest.fixture
def serving(onefile, tmp_path) -> Iterator:
    """Start it over a configuration; gives the process and its address."""
    started: list[subprocess.Popen] = []

    def start(text: str, python: str = sys.executable) -> tuple[subprocess.Popen, str]:
        (tmp_path / "agent.toml").write_text(text)
        command = [
            python,
            *BARE[1:],
            str(onefile),
            "run",
            "--config",
            str(tmp_path / "agent.toml"),
            "--listen",
            "127.0.0.1:0",
        ]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=CLEAN))
        line = started[-1].stderr.readline()
        assert line.startswith("tocsin_agent_listening"), line + started[-1].stderr.read()
        return started[-1], line.strip().partition("address=")[2]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_two_builds_have_the_same_bytes(onefile, tmp_path):
    assert built(tmp_path / "again.pyz").read_bytes() == onefile.read_bytes()


def test_it_is_a_program(onefile):
    done = subprocess.run([str(onefile), "--version"], capture_output=True, text=True, check=True, env=CLEAN)
    assert done.stdout.startswith("tocsin-agent ")


def test_it_has_every_source_and_looks_for_them_at_little_cost(onefile):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tocsin_agent import listing; print(*listing.names('tocsin_agent.sources'))\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([*BARE, "-c", code, str(onefile)], capture_output=True, text=True, check=True, env=CLEAN)
    names, modules = done.stdout.splitlines()
    assert names.split() == listing.names("tocsin_agent.sources")
    assert "pkgutil" not in modules.split()


def test_another_python_reads_the_text(onefile, tmp_path):
    """Its bytecode is of another version: as if none were there."""
    other = tmp_path / "other.pyz"
    with zipfile.ZipFile(onefile) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, b"\0\0\r\n" + data[4:] if name.endswith(".pyc") else data)
    done = subprocess.run([*BARE, str(other), "run", "--once"], capture_output=True, text=True, check=True, env=CLEAN)
    assert "\nnode_load1 " in done.stdout


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_it_serves_under_every_python_of_this_machine(serving, version, tmp_path, series):
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    process, url = serving("", python)
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        assert ("node_load1", frozenset()) in series(answer.read())
    (tmp_path / "agent.toml").write_text("loud = true\n")
    process.send_signal(signal.SIGHUP)
    assert process.stderr.readline().startswith("reload_refused ")
    process.terminate()
    assert process.wait(10) == 0


def interpreter(version: str) -> str:
    """A Python that runs, on the path or where pyenv keeps them."""
    kept = glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/python"))
    for path in (*filter(None, [shutil.which(f"python{version}")]), *kept):
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, env=CLEAN).stdout
        if told.startswith(f"Python {version}."):
            return path
    return ""


def test_it_serves_reads_its_configuration_again_and_ends(serving, tmp_path, series):
    process, url = serving('sources = ["cpu", "loadavg"]\n')
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        assert ("node_load1", frozenset()) in series(answer.read())
    (tmp_path / "agent.toml").write_text('sources = ["cpu"]\n')
    process.send_signal(signal.SIGHUP)
    assert process.stderr.readline().startswith("reloaded changed=sources ")
    process.terminate()
    assert process.wait(10) == 0


def test_it_brings_what_a_web_yml_needs(serving, tmp_path):
    pki = Authority(str(tmp_path / "pki"))
    pki.sign("server")
    (tmp_path / "web.yml").write_text("tls_server_config:\n  cert_file: pki/server.pem\n  key_file: pki/server.key\n")
    _, url = serving(f'web_config_file = "{tmp_path}/web.yml"\n')
    assert url.startswith("https:")
    context = ssl.create_default_context(cafile=pki.path("ca.pem"))
    with urllib.request.urlopen(f"{url}/-/ready", timeout=10, context=context) as answer:
        assert answer.read() == b"ready\n"
