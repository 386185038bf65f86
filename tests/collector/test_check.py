"""`tocsin check`: every fault that can be seen without asking anybody, in one run."""

import pytest
from click.testing import CliRunner

from tocsin_collector.commands.check import command

CALENDAR = """\
[drift]
time_zone = "Europe/Atlantis"
holidays = ["2026-12-25", "Boxing Day"]
"""
FAULTY = """\
listen = "127.0.0.1:10301"
scrape_interval_s = 0.1
[prometheus]
url = "prometheus:9090"
username = "me"
[alertmanager]
url = "http://me:hunter2@alertmanager:9093"
ca_file = "/nowhere/ca.pem"
[grafana]
url = "http://grafana:3000/?orgId=1"
"""


@pytest.fixture
def checked(tmp_path):
    def check(text):
        (tmp_path / "collector.toml").write_text(text)
        return CliRunner().invoke(command, [str(tmp_path / "collector.toml")])

    return check


def test_a_right_configuration_is_told_so(checked):
    done = checked('[prometheus]\nurl = "http://127.0.0.1:9090"\nusername = "me"\npassword_file = "/run/secrets/p"\n')
    assert (done.exit_code, done.stdout.endswith("collector.toml: ok\n"), done.stderr) == (0, True, "")


def test_a_key_or_a_value_that_is_wrong_is_named(checked):
    done = checked("[grafana]\nurll = 'http://a'\n")
    assert (done.exit_code, "did you mean grafana.url?" in done.stderr) == (78, True)
    done = checked(FAULTY)
    assert (done.exit_code, "scrape_interval_s" in done.stderr) == (78, True)


def test_the_keys_of_receipts_are_read(checked, tmp_path):
    (tmp_path / "keys").write_text("shop tooshort\n")
    done = checked(f"[receipts]\nkeys_file = '{tmp_path}/keys'\n")
    assert (done.exit_code, "line 1: a project, a space, a key" in done.stderr) == (78, True)


def test_addresses_authorities_and_credentials_are_looked_at_too(checked):
    done = checked(FAULTY.replace("0.1", "5"))
    assert done.exit_code == 78
    assert done.stderr.splitlines() == [
        "grafana.url = 'http://grafana:3000/?orgId=1': the address without ? and # expected",
        "prometheus.url = 'prometheus:9090': http://host:port expected",
        "alertmanager.url: a user or password does not belong into an address; there are keys for them",
        "prometheus.username needs prometheus.password_file",
        "alertmanager.ca_file = /nowhere/ca.pem: cannot be read: No such file or directory",
    ]


def test_a_time_zone_and_a_holiday_that_there_are_not_are_named(checked):
    done = checked(CALENDAR)
    assert done.exit_code == 78
    assert "drift.time_zone: 'Europe/Atlantis' is no time zone here" in done.stderr
    assert "drift.holidays: 'Boxing Day': a date expected, as 2026-12-25" in done.stderr
    assert checked('[drift]\ntime_zone = "Europe/Paris"\nholidays = ["2026-12-25"]\n').exit_code == 0
