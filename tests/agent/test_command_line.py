"""The agent's command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.__main__ import HELP, OPTIONS, UsageError, parse


@pytest.mark.parametrize(
    ("line", "command", "options"),
    [
        ("run", "run", {}),
        ("run --once", "run", {"--once": "yes"}),
        ("run --config a.toml --listen :0", "run", {"--config": "a.toml", "--listen": ":0"}),
        ("run --sources cpu,stat", "run", {"--sources": "cpu,stat"}),
        ("run --sample-hz 10", "run", {"--sample-hz": "10"}),
        ("run --listen=[::1]:5", "run", {"--listen": "[::1]:5"}),
        ("check --config=a=b", "check", {"--config": "a=b"}),
        ("list --json", "list", {"--json": "yes"}),
        ("run -h", "--help", {}),
        ("--version", "--version", {}),
    ],
)
def test_commands(line, command, options):
    assert parse(line.split()) == (command, options)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "a command expected: run, check or list"),
        ("serve", "no command 'serve'; there are: run, check, list"),
        ("run --onec", "run has no option '--onec'; it has: --config, --listen, --sources, --sample-hz, --once"),
        ("run now", "run has no option 'now'"),
        ("check --once", "check has no option '--once'"),
        ("run --config", "--config needs a value"),
        ("run --once=1", "--once takes no value"),
        ("run --listen :1 --listen :2", "--listen stands twice"),
    ],
)
def test_wrong_usage_says_what_is_wrong_and_what_there_is(line, reason):
    with pytest.raises(UsageError, match=reason.replace("(", r"\(")):
        parse(line.split())


@given(
    st.lists(
        st.sampled_from(["run", "check", "--config", "--listen=", "--once", "=", "", "--", "x"]) | st.text(max_size=9)
    )
)
def test_any_line_is_a_command_or_a_usage_error(words):
    try:
        command, options = parse(words)
    except UsageError:
        return
    assert command in {*OPTIONS, "--help", "--version"}
    assert set(options) <= set(OPTIONS.get(command, ()))


def test_help_fits_a_screen_and_tells_every_option_and_an_example():
    assert len(HELP.splitlines()) <= 60
    assert all(option in HELP for options in OPTIONS.values() for option in options)
    assert "curl" in HELP
