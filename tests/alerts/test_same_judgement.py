"""The collector's own judgement and the rules of Prometheus say the same of the same."""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.alerts import promtool
from tests.alerts.promtool import Check, Story
from tests.alerts.stories import all_stories
from tests.alerts.stories.telling import COLLECTOR, MODEL, named
from tocsin_alerts import alerts
from tocsin_alerts.alert import Match
from tocsin_alerts.number import written
from tocsin_collector.alarms.comparison import holding
from tocsin_collector.alarms.state import FIRING, PENDING, Alarm, Labels, step
from tocsin_collector.alarms.window import conditions
from tocsin_collector.drift import compare, fit
from tocsin_collector.export import models
from tocsin_collector.fleet.ring import Ring
from tocsin_collector.frame import Frame, category, number
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.verdict import FeatureVerdict, ModelKey, WindowVerdict

RULES, _ = promtool.the_rules()
COMPARISONS = [
    pytest.param(story, id=f"{name}: {story.name}")
    for name, stories in all_stories().items()
    if alerts()[name].comparison is not None
    for story in stories
]
KEY = ModelKey(MODEL["project"], MODEL["model"], MODEL["version"])


# --- comparisons: the stories that promtool is told, told to the collector --------------------------------------------


class Scrapes:
    """A fleet that shows what the ring has."""

    def __init__(self) -> None:
        self.ring = Ring()

    def current(self, name: str, match: tuple[Match, ...] = ()) -> Any:
        """As a fleet's."""
        labels, times, values = self.ring.select(name, match)
        return [(each, times, row) for each, row in zip(labels, values, strict=True)]


def _collector(story: Story) -> dict[float, dict[Labels, float]]:
    """What fires at each of the story's ticks, with its value."""
    alert, scrapes = alerts()[story.alert], Scrapes()
    assert alert.comparison is not None
    known: dict[Labels, Alarm] = {}
    fires: dict[float, dict[Labels, float]] = {}
    for tick in range(max(check.at_s for check in story.checks) // story.every_s + 1):
        now = float(tick * story.every_s)
        samples = [
            (name.partition("{")[0], tuple(re.findall(r'(\w+)="([^"]*)"', name)), value)
            for name, values in story.series.items()
            if tick < len(values) and isinstance(value := values[tick], float)
        ]
        scrapes.ring.append(now, samples)
        seen = {
            labels: Alarm(alert.name, alert.severity, labels, PENDING, 0.0, value=value)
            for labels, value in holding(alert.comparison, scrapes).items()  # type: ignore[arg-type]
        }
        after = {at: step(known.get(at), seen.get(at), now, alert.for_s) for at in {*known, *seen}}
        known = {at: alarm for at, alarm in after.items() if alarm is not None and alarm.state in (PENDING, FIRING)}
        fires[now] = {at: alarm.value or 0.0 for at, alarm in known.items() if alarm.state == FIRING}
    return fires


@pytest.mark.parametrize("story", COMPARISONS)
def test_the_collector_tells_the_same_story(story: Story) -> None:
    fires, unit = _collector(story), alerts()[story.alert].unit
    for check in story.checks:
        now = fires[check.at_s // story.every_s * story.every_s]
        expected = {tuple(sorted(each.labels.items())): written(each.value, unit) for each in check.fires}
        assert {labels: written(value, unit) for labels, value in now.items()} == expected, check


# --- windows: what the collector makes of rows, and what a rule makes of its /metrics ---------------------------------


def _frame(rows: int, shift: float, missing: float, infinite: float, new: float, seed: int) -> Frame:
    made = np.random.default_rng(seed)
    amount = made.normal(shift, 1, rows)
    amount[made.random(rows) < infinite] = np.inf
    amounts = [None if gone else value for gone, value in zip(made.random(rows) < missing, amount, strict=True)]
    cities: NDArray[np.str_] = made.choice(["Lyon", "Nice", "Brest"], rows, p=[0.5, 0.3, 0.2]).astype("U8")
    cities[made.random(rows) < new] = "Atlantis"
    columns = {"feature.amount": number(amounts), "feature.city": category(cities.tolist())}
    return Frame("prediction", KEY, np.zeros(rows, np.int64), ["x"] * rows, columns)


def _windows() -> list[tuple[bool, dict[str, FeatureVerdict]]]:
    """Verdicts of windows of many kinds, and whether they were large enough to be judged."""
    frames = [_frame(800, 0.0, 0.01, 0.0, 0.0, seed) for seed in range(20)]
    layout = layout_of(frames)
    reference = fit([profile(frame, layout) for frame in frames], layout)
    kinds = [
        (rows, shift, missing, infinite, new)
        for rows in (40, 150, 800)
        for shift in (0.0, 0.6)
        for missing in (0.01, 0.3, 1.0)
        for infinite in (0.0, 0.2)
        for new in (0.0, 0.2)
    ]
    return [
        (kind[0] >= 100, compare(reference, profile(_frame(*kind, seed=100 + at), layout), min_rows=100))
        for at, kind in enumerate(kinds)
    ]


def _exported(at: int, features: dict[str, FeatureVerdict]) -> dict[str, float]:
    """The features' series in /metrics, each window of a model version of its own."""
    window = WindowVerdict(KEY, 0.0, 3_600.0, 0, 800, features)
    key = KEY._replace(version=str(at))
    model: Any = SimpleNamespace(key=key, latest=lambda: window, latest_day=lambda: None, latest_quality=lambda: None)
    return {
        named(column.name, {**column.labels, **dict(zip(column.by, own, strict=True)), **COLLECTOR}): value
        for column in models.verdict(model, models.Room(1_000), {})
        if "feature" in column.by
        for own, value in zip(column.keys, column.values, strict=True)
    }


def test_a_rule_fires_for_the_features_for_which_the_collector_has_reasons(tmp_path_factory: Any) -> None:
    series: dict[str, list[float]] = {}
    expected: dict[str, list[tuple[str, str]]] = {"FeatureMissingValues": [], "FeatureDrift": []}
    for at, (judged, features) in enumerate(_windows()):
        series |= {name: [value] for name, value in _exported(at, features).items()}
        for name, verdict in features.items():
            told = conditions(WindowVerdict(KEY, 0.0, 3_600.0, 0, 800, {name: verdict}))
            assert judged or not told
            for alert, reasons in expected.items():
                if told.get(alerts()[alert].window):
                    reasons.append((str(at), name))
    assert all(len(found) > 10 for found in expected.values()), "these windows prove nothing"
    folder = str(tmp_path_factory.mktemp("windows"))
    for alert, found in expected.items():
        assert _firing(folder, alert, series) == sorted(found)


def _firing(folder: str, alert: str, series: dict[str, list[float]]) -> list[tuple[str, str]]:
    """Version and feature of all that fires, as promtool tells them when it expects nothing."""
    story = Story(alert, "windows", 60, series, (Check("", 0, ()),))
    bare = {**RULES[alert], "annotations": {}}
    rule = promtool.write(folder, f"{alert}.rules.json", promtool.rule_file([bare]))
    told = promtool.write(folder, f"{alert}.json", promtool.stories_file(rule, [story], bare))
    said = promtool.run([told])[told]
    return sorted(
        (labels["version"], labels["feature"])
        for labels in (dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in re.findall(r"Labels:\{(.*)\}", said))
    )
