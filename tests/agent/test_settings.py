"""The agent's configuration."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tocsin_agent.settings import by_default, chosen, settings
from tocsin_schema.config import ConfigError


def test_the_file_is_read_in_a_child_and_the_command_line_wins(tmp_path: Path):
    (tmp_path / "a.toml").write_text('listen = "127.0.0.1:1"\nsources = ["cpu", "stat"]\n[gpu]\ninterval_s = 0.5\n')
    values = settings(str(tmp_path / "a.toml"), "127.0.0.1:2")
    assert (values["listen"], values["gpu.interval_s"]) == ("127.0.0.1:2", 0.5)
    assert chosen(values) == ["cpu", "stat"]


def test_without_a_file_there_are_the_defaults_and_every_source():
    values = settings(None, None)
    assert values["procfs"] == "/proc"
    assert {
        "cpu",
        "diskstats",
        "filesystem",
        "loadavg",
        "meminfo",
        "netdev",
        "pressure",
        "process",
        "stat",
        "vmstat",
    } <= set(chosen(values))


def test_named_sources_run_and_no_other_and_the_command_line_wins(tmp_path: Path):
    (tmp_path / "a.toml").write_text('sources = ["cpu", "stat"]\n')
    assert chosen(settings(str(tmp_path / "a.toml"), None, "loadavg, cpu,loadavg")) == ["loadavg", "cpu"]
    with pytest.raises(ConfigError, match=r"sources: no source 'lodavg'; did you mean loadavg\? "):
        settings(None, None, "lodavg")


def test_a_source_says_itself_whether_it_runs_without_being_named():
    quiet, costly, plain = (SimpleNamespace(**flags) for flags in ({"SUMMARY": False}, {"DEFAULT": False}, {}))
    runs = {profile: [by_default(s, profile) for s in (quiet, costly, plain)] for profile in ("full", "summary")}
    assert runs == {"full": [True, False, True], "summary": [False, False, True]}


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ('listn = "x"\n[gpu]\ninterval_s = 99\n', ["did you mean listen?", "from 0.1 to 60 expected"]),
        ("listen = 5\n", ["text expected, found 5"]),
        ("= nothing\n", ["no TOML"]),
        (
            'listen = "nowhere"\nsources = ["cpuu"]\n',
            [
                "listen: ADDRESS:PORT expected",
                "sources: no source 'cpuu'; did you mean cpu? (`tocsin-agent list` tells",
            ],
        ),
    ],
)
def test_all_faults_come_at_once(tmp_path: Path, content, faults):
    path = tmp_path / "a.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        settings(str(path), None)
    assert len(caught.value.faults) == len(faults)
    assert all(expected in found for expected, found in zip(faults, caught.value.faults, strict=True))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        settings(str(tmp_path / "missing.toml"), None)
