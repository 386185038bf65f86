"""Rules over HTTP: given, held, told with the model, on /metrics and as an alarm, and there after a restart."""

import asyncio
import json
import threading

import httpx
import pytest
from click.testing import CliRunner

from tocsin_collector.__main__ import main
from tocsin_collector.service import Service
from tocsin_collector.web import application
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

RULES = """
[[rule]]
column = "feature.age"
between = [0, 120]
[[rule]]
column = "feature.city"
in = ["Lyon", "Nice"]
mostly = 0.9
[[rule]]
name = "traffic"
rows = [5, inf]
"""
SUITE = {
    "expectations": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "age"}},
        {"type": "expect_column_kl_divergence_to_be_less_than", "kwargs": {"column": "age", "threshold": 0.1}},
    ]
}


class Collector:
    """An application over a folder, asked from a thread of its own."""

    def __init__(self, folder):
        self._folder = str(folder)
        self._open()

    def _open(self):
        self.service = Service(load(COLLECTOR, None, {}) | {"data_dir": self._folder}, page_url="http://localhost")
        self.service.recover()
        self._app = application(self.service)

    def again(self):
        self.service.close()
        self._open()

    def __call__(self, method, path, **how):
        found = []

        async def send():
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://collector") as session:
                found.append(await session.request(method, path, timeout=60, **how))
            await self.service.intake.close()

        thread = threading.Thread(target=lambda: asyncio.run(send()))
        thread.start()
        thread.join()
        return found[0]

    def send(self, hour, rows=10, version="3", **features):
        """An hour of predictions; a feature that is a list has a value a row."""
        events = [
            {"type": "prediction", "project": "shop", "model": "credit", "version": version, "prediction": "yes"}
            | {"id": f"{version}-{hour}-{row}", "time": f"2026-02-01T{hour:02d}:{row:02d}:00Z"}
            | {"features": {n: v[row] if isinstance(v, list) else v for n, v in features.items()}}
            for row in range(rows)
        ]
        assert self("POST", "/v1/events", json=events).json()["accepted"] == rows

    def windows(self, version="3"):
        versions = self("GET", "/v1/models/shop/credit").json()["versions"]
        return next(found["windows"] for found in versions if found["version"] == version)


@pytest.fixture
def collector(tmp_path):
    found = Collector(tmp_path)
    yield found
    found.service.close()


def _broken(window):
    return [rule["name"] for rule in window["rules"] if rule["broken"]]


def test_a_window_that_breaks_a_rule_is_told_and_alarms_until_one_keeps_it(collector):
    answer = collector("PUT", "/v1/constraints/shop/credit", content=RULES)
    assert (answer.status_code, [rule["name"] for rule in answer.json()["rules"]]) == (
        200,
        ["feature.age between 0 and 120", "feature.city in Lyon, Nice", "traffic"],
    )
    collector.send(1, age=40, city="Lyon")
    collector.send(2, age=[-1, 300, 300, *[50] * 7], city=["Rome", *["Nice"] * 9])
    collector.send(5, age=40, city="Lyon")
    good, bad = collector.windows()
    assert (good["state"], bad["state"]) == ("ok", "alarm")
    assert _broken(bad) == ["feature.age between 0 and 120"]
    assert bad["rules"][0]["examples"] == [{"value": "300", "count": 2}, {"value": "-1", "count": 1}]
    assert bad["reasons"] == ["feature.age between 0 and 120: 3 of 10 values break it: 300 (2), -1 (1)"]
    (alarm,) = collector("GET", "/v1/alarms").json()["firing"]
    assert (alarm["alert"], alarm["reasons"]) == ("DataRuleBroken", bad["reasons"])
    text = collector("GET", "/metrics").text
    of = 'project="shop",model="credit",version="3"'
    assert f"tocsin_data_rules_broken{{{of}}} 1" in text
    assert f'tocsin_data_rule_unexpected_ratio{{{of},rule="feature.city in Lyon, Nice"}} 0.1' in text
    page = collector("GET", "/models/shop/credit/3").text
    assert "1 of 3 broken" in page
    assert "300</bdi> (2)" in page
    collector.send(9, age=40, city="Lyon")  # closes the hour of 5, which keeps them
    assert collector("GET", "/v1/alarms").json()["firing"] == []


def test_rules_hold_for_all_versions_and_after_a_restart(collector):
    collector("PUT", "/v1/constraints/shop/credit", content=RULES)
    for version in ("3", "4"):
        collector.send(1, age=-1, version=version)
        collector.send(5, age=1, version=version)
    told = [collector.windows(version) for version in ("3", "4")]
    collector.again()
    assert [collector.windows(version) for version in ("3", "4")] == told
    assert _broken(told[1][0]) == ["feature.age between 0 and 120"]
    collector.send(9, age=-1, version="5")
    collector.send(12, age=-1, version="5")
    assert _broken(collector.windows("5")[0]) == ["feature.age between 0 and 120"]


def test_rules_that_come_later_count_what_is_in_the_journal_anew_and_none_take_them_away(collector):
    collector.send(1, age=-1)
    collector.send(5, age=1)
    assert collector.windows()[0]["rules"] == []
    collector("PUT", "/v1/constraints/shop/credit", content=RULES)
    assert _broken(collector.windows()[0]) == ["feature.age between 0 and 120"]
    assert collector("PUT", "/v1/constraints/shop/credit", content="rule = []").json()["rules"] == []
    assert collector.windows()[0]["rules"] == []


def test_an_open_window_goes_on_after_a_restart(collector):
    collector("PUT", "/v1/constraints/shop/credit", content=RULES)
    collector.send(1, age=-1)
    collector.again()
    collector.send(5, age=1)
    assert collector.windows()[0]["rules"][0]["examples"] == [{"value": "-1", "count": 10}]


def test_a_suite_says_what_is_not_taken_and_a_bad_file_changes_nothing(collector):
    answer = collector("PUT", "/v1/constraints/shop/credit", json=SUITE).json()
    assert [rule["name"] for rule in answer["rules"]] == ["feature.age present"]
    assert answer["not_taken"] == [
        {"name": "expect_column_kl_divergence_to_be_less_than of age", "reason": "tocsin has no such check"}
    ]
    bad = collector("PUT", "/v1/constraints/shop/credit", content='[[rule]]\ncolumn = "feature.a"\nmatches = "("\n')
    assert (bad.status_code, "rule 1: matches: '(' is no expression" in bad.json()["detail"]) == (400, True)
    assert collector("PUT", "/v1/constraints/shop/credit", content=b"x" * (1 << 21)).status_code == 413
    assert collector("GET", "/v1/constraints/shop/credit").json() == answer
    assert collector("GET", "/v1/constraints/shop/other").json() == {"rules": [], "not_taken": []}


def test_a_file_of_rules_that_is_damaged_stops_no_start(tmp_path, collector, caplog):
    collector("PUT", "/v1/constraints/shop/credit", content=RULES)
    (file,) = (tmp_path / "constraints").iterdir()
    file.write_text(file.read_text()[:40])
    collector.again()
    assert "rules_unreadable" in caplog.text
    collector.send(1, age=1)


def test_names_of_any_kind_are_rules_too(collector):
    names = ["a.b", "ö\u202e", "{{ 7 * 7 }}", "<script>", 'qu"ote', "x" * 200]
    file = {"rule": [{"column": f"feature.{name}", "between": [0, 1], "name": f"{name}!"} for name in names]}
    assert len(collector("PUT", "/v1/constraints/shop/credit", json=file).json()["rules"]) == len(names)
    collector.send(1, **dict.fromkeys(names, 5))
    collector.send(5, **dict.fromkeys(names, 0.5))
    assert _broken(collector.windows()[0]) == [f"{name}!" for name in names]
    page = collector("GET", "/models/shop/credit/3").text
    assert "&lt;script&gt;!" in page
    assert collector("GET", "/metrics").status_code == 200


def test_a_file_is_checked_without_a_collector(tmp_path):
    suite = tmp_path / "suite.json"
    suite.write_text(json.dumps(SUITE))
    found = CliRunner().invoke(main, ["constraints", "check", str(suite), "--json"])
    assert (found.exit_code, json.loads(found.stdout)["rules"][0]["check"]) == (0, "present")
    told = CliRunner().invoke(main, ["constraints", "check", str(suite)])
    assert told.stdout == "feature.age present\n"
    assert "not taken: expect_column_kl_divergence" in told.stderr
    suite.write_text("rule = 3")
    bad = CliRunner().invoke(main, ["constraints", "check", str(suite)])
    assert (bad.exit_code, "a list of at most 500" in bad.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [["set", "shop", "credit", __file__], ["show", "shop", "credit"]])
def test_a_collector_that_is_not_there_is_said(arguments):
    found = CliRunner().invoke(main, ["constraints", *arguments, "--collector", "http://127.0.0.1:1"])
    assert (found.exit_code, "no collector answers at 127.0.0.1:1" in found.stderr) == (1, True)
