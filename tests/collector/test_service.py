"""The service over one folder: what was acknowledged is judged the same after a restart and under a new reference."""

import asyncio

import numpy as np
import pytest

from tocsin_collector.monitor.reference_file import ReferenceFileError, parse
from tocsin_collector.service import Service
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import Block, column
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

HOUR_US = 3_600_000_000
KEY = ModelKey("shop", "credit", "3")


@pytest.fixture
def open_service(tmp_path):
    opened = []

    def open_one():
        values = load(COLLECTOR, None, {}) | {"data_dir": str(tmp_path), "drift.min_rows": 50}
        service = Service(values, page_url="http://localhost")
        opened.append(service)
        service.recover()
        return service

    yield open_one
    for service in opened:
        service.close()


def _blocks(hour, sequence, missing=0.0):
    rng = np.random.default_rng(hour)
    times = (hour * HOUR_US + np.sort(rng.integers(0, HOUR_US, 100))).tolist()
    ages = [None if rng.random() < missing else float(age) for age in rng.normal(40, 10, 100)]
    ids = [f"{hour}-{row}" for row in range(100)]
    shared = {"project": "shop", "model": "credit", "rows": 100, "producer": "a" * 32}
    predictions = {
        "time": column("time", times, "time"),
        "id": column("id", ids, "str"),
        "feature.age": column("feature.age", ages, "f64"),
        "prediction": column("prediction", ["yes"] * 100),
        "score.yes": column("score.yes", rng.random(100).tolist()),
    }
    labels = {
        "time": predictions["time"],
        "id": predictions["id"],
        "label": column("label", rng.choice(["yes", "no"], 100).tolist()),
    }
    return [
        Block("prediction", version="3", sequence=2 * sequence, columns=predictions, **shared),
        Block("label", version="", sequence=2 * sequence + 1, columns=labels, **shared),
    ]


def _submit(service, hours, **how):
    async def submit():
        for hour in hours:
            answer = await service.intake.submit(_blocks(hour, hour, **how))
            assert answer.accepted == 200
        await service.intake.close()

    asyncio.run(submit())
    service.tick()


def _told(service):
    """What is told of the model; revisions are left out, since a replay is not interrupted by ticks."""
    view = service.views()[0]
    return (
        view.rows_total,
        view.labels_total,
        [(verdict.start_s, verdict.rows, verdict.reasons, verdict.final) for verdict in view.verdicts],
    )


def test_after_a_restart_the_same_is_told(open_service):
    service = open_service()
    _submit(service, range(100, 140))
    service.take_reference(service.past(KEY, 100 * HOUR_US, 130 * HOUR_US), "a span")
    _submit(service, range(140, 143), missing=0.5)
    _submit(service, range(143, 146))
    told = _told(service)
    service.close()
    assert _told(open_service()) == told
    assert any(reasons for _, _, reasons, _ in told[2])


def test_a_reference_from_a_past_span_counts_open_windows_anew(open_service):
    service = open_service()
    _submit(service, range(100, 150))
    assert all(not verdict.features for verdict in service.views()[0].verdicts)
    about = service.take_reference(service.past(KEY, 100 * HOUR_US, 130 * HOUR_US), "a span")
    assert about["rows"] == 3_000
    assert all(set(verdict.features) == {"age"} for verdict in service.views()[0].verdicts)
    assert service.views()[0].rows_total == 5_000


def test_a_span_without_rows_is_refused(open_service):
    service = open_service()
    with pytest.raises(ReferenceFileError, match="no prediction of shop/credit version '3'"):
        service.past(KEY, 0, HOUR_US)


def test_a_restart_rings_nobody_twice(open_service):
    service = open_service()
    _submit(service, range(100, 140))
    service.take_reference(service.past(KEY, 100 * HOUR_US, 135 * HOUR_US), "a span")
    _submit(service, [140], missing=0.6)
    _submit(service, [141])
    firing = service.alarms.firing()
    assert len(firing) == 1
    history = len(service.alarms.history())
    service.close()
    again = open_service()
    assert [alarm.labels for alarm in again.alarms.firing()] == [alarm.labels for alarm in firing]
    assert len(again.alarms.history()) == history


def test_metrics_are_in_the_format_and_count_what_was_acknowledged(open_service):
    from prometheus_client.parser import text_string_to_metric_families

    service = open_service()
    _submit(service, [100, 102])
    text = service.metrics().decode()
    samples = {(s.name, *s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples}
    assert samples["tocsin_predictions_total", "shop", "credit", "3"] == 200
    assert samples["tocsin_window_rows", "shop", "credit", "3"] == 100
    assert samples["tocsin_labels_total", "shop", "credit", "3"] == 200


def test_a_reference_file_keeps_its_kinds_over_a_restart(open_service):
    service = open_service()
    raw = b"time,feature.zip\n" + b"".join(b"2026-01-01T00:00:%02dZ,%d\n" % (n % 60, n % 3) for n in range(200))
    service.take_reference(parse(raw, KEY, {"zip": "category"}), "a file")
    service.close()
    judge = next(iter(open_service().monitor.models())).judge
    assert judge.layout.by_name["zip"].kind == "category"
