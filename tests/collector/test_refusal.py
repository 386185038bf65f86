"""What people at a terminal are told."""

import pytest
import requests
from click.testing import CliRunner

from tocsin_collector.__main__ import main
from tocsin_collector.refusal import reason, unreachable


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"detail":"no such model"}', "no such model"),
        (b'{"error":{"code":"scope","reason":"not yours"}}', "not yours"),
        (b"<html>", "<html>"),
        (b'{"detail":[1]}', '{"detail":[1]}'),
    ],
)
def test_a_refusals_reason_stands_alone(body, told):
    answer = requests.Response()
    answer._content = body
    assert reason(answer) == told


def test_an_address_is_shown_without_its_secrets():
    assert "hunter2" not in unreachable("http://me:hunter2@host:1")
    assert "host:1" in unreachable("http://me:hunter2@host:1")


@pytest.mark.parametrize(
    "arguments",
    [["reference", "create", "p", "m", "--from", "a", "--to", "b"], ["report", "p", "m", "--from", "a", "--to", "b"]],
)
def test_without_a_collector_a_command_says_how_to_start_one(arguments):
    done = CliRunner().invoke(main, [*arguments, "--collector", "http://127.0.0.1:1"])
    assert (done.exit_code, "tocsin up" in done.output) == (1, True)


def test_an_address_may_stand_without_http_and_with_nothing_else():
    done = CliRunner().invoke(main, ["constraints", "show", "p", "m", "--collector", "127.0.0.1:1"])
    assert (done.exit_code, "no collector answers at 127.0.0.1:1" in done.output) == (1, True)
    done = CliRunner().invoke(main, ["constraints", "show", "p", "m", "--collector", "ftp://127.0.0.1:1"])
    assert (done.exit_code, "http://host:port expected" in done.output) == (2, True)


@pytest.mark.parametrize("output", ["/nowhere/report.html", "."])
def test_a_report_that_could_not_be_written_is_not_asked_for(output):
    asked = ["report", "p", "m", "--from", "a", "--to", "b", "--output", output, "--collector", "http://127.0.0.1:1"]
    done = CliRunner().invoke(main, asked)
    assert (done.exit_code, f"--output {output}: a file in a folder that is there" in done.output) == (2, True)
