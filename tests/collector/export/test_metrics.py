"""The series follow the models, and long work in the loop goes in turns."""

import asyncio
import gzip
import time
from dataclasses import replace

import numpy as np

from tests.collector.export.test_text import read
from tests.collector.exposed import BUDGET, text
from tocsin_collector.export.budget import CORE, Budget
from tocsin_collector.export.exposition import Column, single
from tocsin_collector.export.form import FORMS
from tocsin_collector.export.metrics import PIECE_BYTES, Metrics, gzipped
from tocsin_collector.export.models import totals
from tocsin_collector.monitor.latency import Latency
from tocsin_collector.monitor.schema import Schema
from tocsin_collector.quality import delay, pack
from tocsin_collector.verdict import (
    Apart,
    Beside,
    DailyVerdict,
    Decision,
    Distribution,
    EstimateVerdict,
    FeatureVerdict,
    JointVerdict,
    ModelKey,
    Onset,
    QualityVerdict,
    WindowVerdict,
)


class Watched:
    """A model as far as it is shown."""

    def __init__(self, name="credit"):
        self.key = ModelKey("shop", name, "3")
        self.verdicts_total = self.alarms_total = self.late_total = self.labels_total = 0
        self.early_total = 0
        self.schema = Schema()
        self.latency = Latency()
        self.judge = self.verdict = self.quality = None

    def close(self, rows, features=(), quality=None, **before_labels):
        self.verdicts_total += 1
        by_name = {each.name: each for each in features}
        self.verdict = WindowVerdict(self.key, 0.0, 3600.0, 0, rows, by_name, **before_labels)
        self.quality = quality

    def latest(self):
        return self.verdict

    def latest_quality(self):
        return self.quality

    def latest_day(self):
        return self.verdict if self.verdict and self.verdict.daily else None


def feature(name, score, reasons=()):
    threshold = None if score is None else 0.2
    return FeatureVerdict(
        name, "number", "ks", 9, score, threshold, 0.1, 0.0, 0.3, 0.0, 1.0, Distribution((), (), ()), reasons
    )


def shown(*models, budget=BUDGET):
    return Metrics(lambda: models, lambda: totals(models), budget)


def values(metrics):
    found = read(asyncio.run(text(metrics)), "text")
    return {
        (name, *[value for label, value in labels if label not in ("project", "version")]): value
        for (name, *labels), value in found.items()
    }


def test_a_model_without_a_closed_window_has_its_totals_only():
    model = Watched()
    model.late_total = 2
    found = values(shown(model))
    assert found == {
        ("tocsin_drift_alarms_total", "credit"): 0,
        ("tocsin_events_late_total", "credit"): 2,
        ("tocsin_events_early_total", "credit"): 0,
        ("tocsin_labels_total", "credit"): 0,
        ("tocsin_schema_changes_total", "credit"): 0,
        ("tocsin_series_folded", "model"): 0,
        ("tocsin_series_folded", "project"): 0,
    }


def test_a_new_verdict_takes_the_place_of_the_one_before():
    model = Watched()
    metrics = shown(model)
    model.close(7, [feature("age", 0.1), feature("city", 0.4, ("far",))])
    model.judge = object()
    first = values(metrics)
    assert first["tocsin_window_rows", "credit"] == 7
    assert {key[0]: value for key, value in first.items() if "age" in key}["tocsin_feature_drift_score"] == 0.1
    assert first["tocsin_drift_alarm", "credit"] == 1
    model.close(9, [feature("age", None)], QualityVerdict(5, 0.5, {"auc": 0.8}, {}, {}, {"auc": 0.7}))
    second = values(metrics)
    assert second["tocsin_window_rows", "credit"] == 9
    assert second["tocsin_drift_alarm", "credit"] == 0
    assert not [key for key in second if "city" in key or key[0].endswith(("_score", "missing_threshold"))]
    assert second["tocsin_model_label_coverage_ratio", "credit"] == 0.5
    assert ("tocsin_model_quality", "auc", "credit") in second or ("tocsin_model_quality", "credit", "auc") in second


def test_what_the_calibrated_policy_decided_is_shown_where_it_did():
    model = Watched()
    model.close(7, [feature("age", 0.1)])
    assert not [key for key in values(shown(model)) if key[0].startswith(("tocsin_drift_evidence", "tocsin_drift_inc"))]
    incident = Onset("age", "mean", 23.0, 16.0, 0.0)
    model.verdict = replace(model.verdict, decision=Decision(0.0, 7, 23.0, 16.0, (), (incident,)))
    found = values(shown(model))
    assert found["tocsin_drift_evidence", "credit"] == 23
    assert found["tocsin_drift_evidence_threshold", "credit"] == 16
    assert found["tocsin_drift_incidents", "credit"] == 1
    model.verdict = replace(model.verdict, decision=Decision(0.0, 7, None, 16.0, (), (incident,)))
    assert ("tocsin_drift_evidence", "credit") not in values(shown(model))


def test_a_further_reference_is_there_whole_or_folded():
    model = Watched()
    week = Beside("last-week", 9, 1, 0, {"age": Apart("ks", 0.3, 0.2), "city": Apart("js", 0.1, None)})
    month = Beside("last-28-days", 90, 10, 0, {"age": Apart("ks", 0.05, 0.2)})
    model.close(9, beside=(week, month))
    found = {key: value for key, value in values(shown(model)).items() if "reference" in key[0]}
    assert {(name, *sorted(rest)): value for (name, *rest), value in found.items()} == {
        ("tocsin_feature_reference_distance", "age", "credit", "ks", "last-week"): 0.3,
        ("tocsin_feature_reference_distance", "city", "credit", "js", "last-week"): 0.1,
        ("tocsin_feature_reference_distance", "age", "credit", "ks", "last-28-days"): 0.05,
        ("tocsin_reference_features_beyond", "credit", "last-week"): 1,
        ("tocsin_reference_features_beyond", "credit", "last-28-days"): 0,
    }
    few = values(shown(model, budget=Budget(CORE + 4, 2_000)))
    assert len([key for key in few if "last-week" in key]) == 3
    assert not [key for key in few if "last-28-days" in key]
    assert few["tocsin_series_folded", "model"] == 2


def test_what_is_told_before_labels_is_there_whole_or_not_at_all():
    model = Watched()
    estimate = EstimateVerdict(9, {"auc": 0.81}, {"auc": (0.79, 0.83)}, {"auc": "cbpe"}, {})
    model.close(9, joint=JointVerdict(2.5, 4.5), estimate=estimate)
    told = {name: value for (name, *_), value in values(shown(model)).items()}
    assert told["tocsin_model_quality_estimate"] == 0.81
    assert told["tocsin_model_quality_estimate_lower"] == 0.79
    assert told["tocsin_model_quality_estimate_upper"] == 0.83
    assert (told["tocsin_joint_drift_score"], told["tocsin_joint_drift_threshold"]) == (2.5, 4.5)
    assert "tocsin_daily_joint_drift_score" not in told
    model.close(9, daily=DailyVerdict(3_072, 6.5, 5.25, 1e-6))
    told = {name: value for (name, *_), value in values(shown(model)).items()}
    assert told["tocsin_daily_joint_drift_score"] == 6.5
    assert told["tocsin_daily_joint_drift_threshold"] == 5.25
    assert told["tocsin_daily_joint_drift_p_value"] == 1e-6
    model.close(9, joint=JointVerdict(2.5, 4.5), estimate=estimate)
    few = values(shown(model, budget=Budget(CORE + 4, 2_000)))
    assert not [key for key in few if "estimate" in key[0] or "joint" in key[0]]


def test_the_delay_of_labels_is_of_the_window_that_was_judged():
    model = Watched()
    tally = pack(delay.count(np.array([60.0] * 95 + [3_600.0] * 5)))
    model.close(9, quality=QualityVerdict(100, 0.5, {}, {}, {}, {}, tally=tally))
    found = {key: value for key, value in values(shown(model)).items() if key[0] == "tocsin_model_label_delay_seconds"}
    assert len(found) == 2
    assert all(60 <= seconds < 72 for seconds in found.values())


def test_a_model_that_is_gone_is_shown_no_longer():
    models = [Watched("a"), Watched("b")]
    metrics = Metrics(lambda: models, lambda: totals(models), BUDGET)
    for model in models:
        model.close(1, [feature("age", 0.1)])
    assert {key[-1] for key in values(metrics)} >= {"a", "b"}
    del models[0]
    assert not [key for key in values(metrics) if "a" in key]


def test_a_model_that_begins_anew_without_a_window_shows_none():
    models = [Watched()]
    metrics = Metrics(lambda: models, lambda: totals(models), BUDGET)
    models[0].close(3, [feature("age", 0.1)])
    assert ("tocsin_window_rows", "credit") in values(metrics)
    models[0] = Watched()
    assert {name for name, *_ in values(metrics)} == {
        "tocsin_drift_alarms_total", "tocsin_events_late_total", "tocsin_events_early_total", "tocsin_labels_total",
        "tocsin_schema_changes_total", "tocsin_series_folded",
    }  # fmt: skip


def test_the_samples_of_some_names_are_given_without_a_text():
    model = Watched()
    model.close(4, [feature("age", 0.1)])
    found = asyncio.run(shown(model).samples({"tocsin_window_rows"}))
    assert [(sample.name, sample.value, sample.labels["model"]) for sample in found] == [
        ("tocsin_window_rows", 4, "credit")
    ]


def test_others_have_their_turns_while_many_series_are_written():
    many = [Watched(f"m{number}") for number in range(200)]
    metrics = Metrics(lambda: many, list, Budget(100_000, 10_000_000))
    for model in many:
        model.close(1, [feature(f"f{number}", 0.1) for number in range(50)])

    async def longest():
        blocks, done = [], asyncio.Event()

        async def watch():
            while not done.is_set():
                started = time.thread_time()
                await asyncio.sleep(0)
                blocks.append(time.thread_time() - started)

        watching = asyncio.create_task(watch())
        size = len(await text(metrics))
        done.set()
        await watching
        return size, len(blocks)

    size, turns = asyncio.run(longest())
    assert size > 5_000_000
    assert turns > 20, "the whole was written in one go"


def test_gzip_in_pieces_is_the_text():
    columns = [Column("tocsin_window_rows", {}, ("model",), [(f"m{n}",) for n in range(5_000)], [*range(5_000)])]
    metrics = Metrics(list, lambda: [*columns, single("tocsin_drift_alarm", {}, 1)], BUDGET)

    async def both():
        plain = await text(metrics)
        return plain, [piece async for piece in gzipped(metrics.written(FORMS["text"]))]

    plain, packed = asyncio.run(both())
    assert len(plain) > 2 * PIECE_BYTES
    assert len(packed) > 1
    assert gzip.decompress(b"".join(packed)) == plain


def test_two_scrapes_at_once_are_both_whole():
    model = Watched()
    model.close(3, [feature(f"f{number}", 0.1) for number in range(2_000)])
    metrics = Metrics(lambda: [model], lambda: [single("tocsin_events_unwatched_total", {}, 1)], BUDGET)

    async def both():
        return await asyncio.gather(text(metrics), text(metrics))

    one, other = asyncio.run(both())
    assert one == other
