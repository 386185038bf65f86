"""The four files of docs/how-to/add-a-source.md, added to a copy of the repository in which nothing is edited."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.sources import tree

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
ROOMS = ("schema", "agent", "dashboards", "alerts", "docs", "tests")
PAGE = (ROOT / "docs/how-to/add-a-source.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/.]+)`\n```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
"""The page's files: content by path."""
ABOUT_ALL = (
    "tests/agent/test_agent_catalogue.py",
    "tests/dashboards/test_every_metric.py",
    "tests/schema/test_catalogue.py",
)
"""Tests of what any source and any metric must have."""
OF_EACH = (
    "tests/agent/sources/test_watchdog.py",
    "tests/agent/sources/test_same_as_node_exporter.py",
    "tests/agent/test_accepted.py",
)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Path:
    """The copy, with four files more."""
    copy = tmp_path_factory.mktemp("copy")
    for room in ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    assert len(FILES) == 4
    for name, content in FILES.items():
        assert not (copy / name).exists()
        (copy / name).write_text(content, encoding="utf-8")
    return copy


@pytest.fixture
def run(stranger):
    def call(*command: str) -> str:
        path = os.pathsep.join(map(str, [*[stranger / room for room in ROOMS[:4]], stranger]))
        command = (sys.executable, "-m", *command)
        done = subprocess.run(
            command, cwd=stranger, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stdout + done.stderr
        return done.stdout

    return call


def test_the_agent_lists_it(run):
    assert re.search(r"^source +watchdog +Hardware watchdogs; not in", run("tocsin_agent", "list"), re.MULTILINE)


def test_the_agent_serves_it(run, stranger):
    host = stranger / "host"
    tree.plant(host, (stranger / "tests/agent/sources/trees/watchdog.tree").read_text(encoding="utf-8"))
    (stranger / "agent.toml").write_text(f'sysfs = "{host}/sys"\n')
    text = run("tocsin_agent", "run", "--once", "--sources", "watchdog", "--config", "agent.toml")
    assert 'node_watchdog_timeout_seconds{name="watchdog0"} 60\n' in text
    assert 'node_scrape_collector_success{collector="watchdog"} 1\n' in text


def test_every_test_about_sources_and_metrics_takes_it(run):
    picked = "watchdog or test_every_metric or two_owners"
    told = run("pytest", "-q", "-p", "no:randomly", *ABOUT_ALL, *OF_EACH, "-k", picked, "-rA")
    passed = re.findall(r"^PASSED (\S+)", told, re.MULTILINE)
    for name in (*ABOUT_ALL, OF_EACH[0], OF_EACH[2]):
        assert any(test.startswith(name) for test in passed), name
    compared = rf"^(PASSED|SKIPPED) .*{Path(OF_EACH[1]).name}"  # Debian's node_exporter has no such collector
    assert len(re.findall(compared, told, re.MULTILINE)) >= 1


def test_the_generated_pages_take_it(run, stranger):
    run("tests.generated")
    assert "`node_watchdog_timeleft_seconds`" in (stranger / "docs/reference/metrics.md").read_text(encoding="utf-8")


def test_the_example_is_as_we_write(run):
    files = [name for name in FILES if name.endswith(".py")]
    for command in (("format", "--check"), ("check",)):
        run("ruff", *command, "--quiet", *files)
