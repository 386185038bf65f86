"""Stories of alerts, told to the real promtool: series over time, and what fires when."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tests.servers.cache import have
from tests.servers.prometheus import binary
from tocsin_alerts import Alert, alerts, rules
from tocsin_alerts.alert import filled
from tocsin_collector.alarms import messages
from tocsin_collector.alarms.state import FIRING, Alarm

FIRES, BEFORE, BELOW, RESOLVES, MISSING = "fires", "before its time", "just below", "resolves", "missing"
KINDS = (FIRES, BEFORE, BELOW, RESOLVES, MISSING)
STALE = "stale"
"""The sample of a scrape that finds a series gone."""

Values = Sequence[float | str | None]
"""A sample a tick: a number, None for no sample, or `stale` where a scrape found the series gone."""


@dataclass(frozen=True, slots=True)
class Fires:
    """One alert that fires: its labels without name and severity, and the value in its texts."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Check:
    """What fires at a time; what this is a case of."""

    kind: str
    at_s: int
    fires: tuple[Fires, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """Series, a sample every ``every_s`` seconds, and what must come of them."""

    alert: str
    name: str
    every_s: int
    series: Mapping[str, Values]
    checks: tuple[Check, ...]


def said(alert: Alert, fires: Fires, rule: Mapping[str, Any]) -> dict[str, Any]:
    """The alert as promtool expects it; the texts are those that the collector itself would write."""
    key = tuple(sorted(fires.labels.items()))
    shown = messages.shown(Alarm(alert.name, alert.severity, key, FIRING, 0.0, value=fires.value), alerts())
    texts = {
        "summary": filled(alert.summary, dict(fires.labels), shown),
        "description": filled(alert.description, dict(fires.labels), shown),
    }
    return {
        "exp_labels": {**fires.labels, "severity": alert.severity},
        "exp_annotations": {**rule["annotations"], **texts},
    }


def rule_file(rules_: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]] = ()) -> str:
    """A rules file with alerts, and the recorded series where they stand on them."""
    groups = [{"name": "alerts", "rules": rules_}]
    if any(re.search(r"\w+:\w+:\w+", rule["expr"]) for rule in rules_):
        groups.insert(0, {"name": "recording", "rules": records})
    return json.dumps({"groups": groups})


def the_rules() -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Every alert's rule by its name, and the recording rules, as they are shipped."""
    found = [rule for text in rules().values() for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule for rule in found if "alert" in rule}, [rule for rule in found if "record" in rule]


def stories_file(rules_path: str, stories: Sequence[Story], rule: Mapping[str, Any], names: Sequence[str] = ()) -> str:
    """The stories of one alert as a test file of promtool; of ``names`` each shall do as the alert does."""
    tick_s = stories[0].every_s
    evaluation = f"{tick_s // 2 if 'for' in rule else tick_s}s"
    return document(rules_path, evaluation, [_test(story, rule, names or [story.alert]) for story in stories])


def document(rules_path: str, evaluation: str, tests: Sequence[Mapping[str, Any]]) -> str:
    """A test file of promtool."""
    return json.dumps({
        "rule_files": [rules_path],
        "evaluation_interval": evaluation,
        "group_eval_order": ["recording", "alerts"],
        "tests": tests,
    })  # fmt: skip


def _test(story: Story, rule: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    alert = alerts()[story.alert]
    checks = [
        {
            "eval_time": f"{check.at_s}s",
            "alertname": name,
            "exp_alerts": [said(alert, fires, rule) for fires in check.fires],
        }
        for check in story.checks
        for name in names
    ]
    return {
        "name": story.name,
        "interval": f"{story.every_s}s",
        "input_series": [{"series": name, "values": _values(values)} for name, values in story.series.items()],
        "alert_rule_test": checks,
    }


def _values(values: Values) -> str:
    return " ".join("_" if value is None else value if isinstance(value, str) else sample(value) for value in values)


def sample(value: float) -> str:
    """A number as promtool reads it."""
    return repr(value).replace("inf", "Inf").replace("nan", "NaN")


def run(paths: Sequence[str]) -> dict[str, str]:
    """What promtool says of each test file: empty when it passes."""
    promtool = have(lambda: binary("promtool"))
    done = subprocess.run(
        # It names a file on one stream and fails it on the other: both in their order.
        [promtool, "test", "rules", *paths], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    said_of = dict.fromkeys(paths, "")
    current = None
    for line in done.stdout.splitlines():
        found = re.fullmatch(r"Unit Testing:\s+(.*)", line.strip())
        if found:
            current = found[1]
        elif current is not None and line.strip() not in ("", "SUCCESS"):
            said_of[current] += line + "\n"
    assert set(said_of) == set(paths), done.stdout
    assert (done.returncode == 0) == (not any(said_of.values())), done.stdout
    return said_of


def write(folder: str, name: str, text: str) -> str:
    """Write a file, its path."""
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path
