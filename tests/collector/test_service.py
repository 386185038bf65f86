"""The service over one folder: what was acknowledged is judged the same after a restart and under a new reference."""

import asyncio
import json
import sys
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.collector import exposed
from tocsin_collector.ingest.intake import BLOCK_RECORD
from tocsin_collector.ingest.jsonbody import parse_json
from tocsin_collector.monitor.reference_file import ReferenceFileError, parse
from tocsin_collector.service import Service
from tocsin_collector.verdict import ModelKey
from tocsin_schema.block import Block, column, encode
from tocsin_schema.config import load
from tocsin_schema.receipt import Receipt
from tocsin_schema.settings.collector import COLLECTOR

HOUR_US = 3_600_000_000
KEY = ModelKey("shop", "credit", "3")


@pytest.fixture
def open_service(tmp_path):
    opened = []

    def open_one(clock=time.time, settings=()):
        values = load(COLLECTOR, None, {}) | {"data_dir": str(tmp_path), "drift.min_rows": 50} | dict(settings)
        service = Service(values, page_url="http://localhost", clock=clock)
        opened.append(service)
        service.recover()
        return service

    yield open_one
    for service in opened:
        service.close()


def _blocks(hour, sequence, missing=0.0, right=True):
    rng = np.random.default_rng(hour)
    times = (hour * HOUR_US + np.sort(rng.integers(0, HOUR_US, 100))).tolist()
    ages = [None if rng.random() < missing else float(age) for age in rng.normal(40, 10, 100)]
    ids = [f"{hour}-{row}" for row in range(100)]
    scores = rng.random(100)
    truth = (scores > 0.5) == right
    shared = {"project": "shop", "model": "credit", "rows": 100, "producer": "a" * 32}
    predictions = {
        "time": column("time", times, "time"),
        "id": column("id", ids, "str"),
        "feature.age": column("feature.age", ages, "f64"),
        "prediction": column("prediction", ["yes"] * 100),
        "score.yes": column("score.yes", scores.tolist()),
    }
    labels = {
        "time": predictions["time"],
        "id": predictions["id"],
        "label": column("label", ["yes" if yes else "no" for yes in truth.tolist()]),
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


def _take(service, rows):
    return asyncio.run(service.take_reference(rows, "a test"))


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
    _take(service, service.past(KEY, 100 * HOUR_US, 130 * HOUR_US))
    _submit(service, range(140, 143), missing=0.5)
    _submit(service, range(143, 146))
    told = _told(service)
    service.close()
    assert _told(open_service()) == told
    assert any(reasons for _, _, reasons, _ in told[2])


def test_what_was_told_again_is_told_as_often_after_a_restart(open_service):
    service = open_service()
    _submit(service, range(100, 110))
    _, late = _blocks(104, 999, right=False)
    late.columns["time"] = column("time", [110 * HOUR_US] * 100, "time")

    async def correct():
        assert (await service.intake.submit([late])).accepted == 100
        await service.intake.close()

    asyncio.run(correct())
    revisions, limit = [0], time.monotonic() + 20
    while revisions == [0] and time.monotonic() < limit:  # judging again rests between its turns
        service.tick()
        told = service.views()
        revisions = [verdict.revision for verdict in told[0].verdicts if verdict.start_s == 104 * 3_600]
    assert revisions == [1]
    service.close()
    assert open_service().views() == told  # a replay of the journal would have revised nothing


@pytest.mark.timeout(10)
def test_a_tick_waits_for_no_copy_and_the_next_one_does_what_was_due(open_service):
    now_s = 110 * 3_600.0
    service = open_service(clock=lambda: now_s)
    _submit(service, [109])
    now_s += 5 * 3_600
    with service._copied:
        service.tick()
        assert service.views()[0].open_windows == 1
    service.tick()
    assert service.views()[0].open_windows == 0


def test_under_a_reference_that_came_meanwhile_the_windows_are_counted_anew(open_service, caplog):
    service = open_service()
    _submit(service, range(100, 140))
    rows = service.past(KEY, 100 * HOUR_US, 130 * HOUR_US)
    service.close()
    service.references.put(rows, "a test")
    found = open_service()
    assert "snapshot_of_other_windows" in caplog.text
    assert any(verdict.features for verdict in found.views()[0].verdicts)
    told = _told(found)
    found.close()
    (found.journal.folder / "snapshot").unlink()
    assert _told(open_service()) == told


def _post(service, *events):
    """As the endpoint does with a body of JSON."""
    parsed = parse_json(json.dumps(events).encode(), int(service.clock() * 1e6))

    async def submit():
        answer = await service.intake.submit(*parsed)
        await service.intake.close()
        return answer

    return asyncio.run(submit())


def _prediction(event_id, hour, **features):
    time = datetime.fromtimestamp(hour * 3_600, UTC).isoformat()
    event = {"type": "prediction", "project": "shop", "model": "churn", "id": event_id, "time": time}
    return event | {"prediction": "yes", "features": features}


def test_a_schema_that_changes_and_clocks_that_are_wrong_refuse_nothing_and_are_told_after_a_restart(open_service):
    service = open_service()
    answers = []
    for hour in range(20_000, 20_006):
        age = hour if hour < 20_003 else str(hour)
        answers.append(_post(service, *(_prediction(f"{hour} {row}", hour, age=age) for row in range(30))))
    answers.append(_post(service, _prediction("from 1970", 1, age=1), _prediction("new", 20_006, income=1)))
    assert [answer.rejected for answer in answers] == [[]] * 7
    (view,) = service.views()
    assert [change.text for change in view.changes] == [
        "age was a number and came as a category",
        "income is new, a number",
    ]
    assert (view.rows_total, view.late_total, view.schema[0].since_s) == (182, 1, 20_000 * 3_600)
    service.close()
    (again,) = open_service().views()
    assert (again.schema, again.changes, again.late_total) == (view.schema, view.changes, view.late_total)


def test_labels_with_receipts_count_without_their_predictions_after_a_restart_too(open_service, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"shop {'k' * 32}\n")
    service = open_service(settings={"receipts.keys_file": str(keys)})
    _post(service, _prediction("seen", 20_000, age=1))
    receipts = [Receipt("shop", "churn", "", f"r{n}", 20_000 * HOUR_US, "yes", 900).mint(b"k" * 32) for n in range(9)]
    shared = {"type": "label", "project": "shop", "model": "churn", "label": "no"}
    answer = _post(service, *({**shared, "id": f"r{n}", "receipt": token} for n, token in enumerate(receipts)))
    again = _post(service, *({**shared, "id": f"r{n}", "receipt": token} for n, token in enumerate(receipts)))
    bad = _post(service, {**shared, "id": "seen", "receipt": receipts[0]})
    assert (answer.accepted, again.duplicate, [one.code for one in bad.rejected]) == (9, 9, ["receipt_foreign"])
    assert service.views()[0].labels_total == 9
    service.close()
    assert open_service().views()[0].labels_total == 9


def test_a_reference_from_a_past_span_counts_open_windows_anew(open_service):
    service = open_service()
    _submit(service, range(100, 150))
    assert all(not verdict.features for verdict in service.views()[0].verdicts)
    about = _take(service, service.past(KEY, 100 * HOUR_US, 130 * HOUR_US))
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
    _take(service, service.past(KEY, 100 * HOUR_US, 135 * HOUR_US))
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
    text = asyncio.run(exposed.text(service.metrics)).decode()
    samples = {(s.name, *s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples}
    assert samples["tocsin_predictions_total", "shop", "credit", "3"] == 200
    assert samples["tocsin_window_rows", "shop", "credit", "3"] == 100
    assert samples["tocsin_labels_total", "shop", "credit", "3"] == 200


def test_a_reference_file_keeps_its_kinds_over_a_restart(open_service):
    service = open_service()
    raw = b"time,feature.zip\n" + b"".join(b"2026-01-01T00:00:%02dZ,%d\n" % (n % 60, n % 3) for n in range(200))
    _take(service, parse(raw, KEY, {"feature.zip": "category"}))
    service.close()
    judge = next(iter(open_service().monitor.models())).judge
    assert judge.layout.by_name["zip"].kind == "category"


def test_events_have_the_pseudonyms_of_their_reference(open_service):
    settings = {"ingest.hash_features": ["city"], "ingest.drop_features": ["email"]}
    service = open_service(settings=settings)
    raw = b"time,feature.city,feature.email\n"
    raw += b"".join(b"2026-01-01T00:00:%02dZ,%s,ann@x\n" % (n % 60, [b"Lyon", b"Oslo"][n % 2]) for n in range(200))
    _take(service, parse(raw, KEY, {}))
    columns = [
        column("time", [200 * HOUR_US + row for row in range(100)], "time"),
        column("id", [str(row) for row in range(100)], "str"),
        column("feature.city", ["Lyon", "Oslo"] * 50),
        column("prediction", ["yes"] * 100),
    ]
    block = Block(
        "prediction", project="shop", model="credit", version="3", rows=100, producer="a" * 32, sequence=9_999,
        columns={item.name: item for item in columns},
    )  # fmt: skip
    assert asyncio.run(service.intake.submit([block])).accepted == 100
    (model,) = service.monitor.models()
    cities = model.judge.layout.by_name
    assert set(cities) == {"city"}
    ((stored, _),) = service.intake.journalled()
    texts = set(stored.columns["feature.city"].texts())
    assert len({*cities["city"].cells_of(sorted(texts))[0].tolist()} - {-1}) == 2


def _send(service, *events):
    async def submit():
        parsed = parse_json(json.dumps(events).encode(), 0)
        answer = await service.intake.submit(*parsed)
        await service.intake.close()
        return answer

    answer = asyncio.run(submit())
    assert answer.accepted == len(events), answer


def _event(number, time_s, **more):
    stamp = datetime.fromtimestamp(time_s, UTC).isoformat()
    return {"type": "prediction", "project": "shop", "model": "credit", "version": "3", "id": f"e{number}"} | {
        "time": stamp, "prediction": "1", "features": {"age": number}, **more
    }  # fmt: skip


def test_a_reference_from_a_span_is_the_same_after_a_restart(open_service):
    service = open_service()
    rows = range(200)
    _send(service, *(_event(n, 36_000 * 10 + n, trace_id=f"t{n}", features={"city": ["", "a"][n % 2]}) for n in rows))
    labels = ({"type": "label", "project": "shop", "model": "credit", "id": f"e{n}", "label": str(n % 2)} for n in rows)
    _send(service, *(label | {"time": "1970-01-05T05:00:00Z"} for label in labels))
    _take(service, service.past(KEY, 0, 1_000 * HOUR_US))
    judges = [next(iter(one.monitor.models())).judge for one in (service, _again(service, open_service))]
    assert judges[0].layout == judges[1].layout
    assert judges[0].qualities == judges[1].qualities
    assert set(judges[0].qualities.scores) == {"accuracy"}


def _again(service, open_service):
    service.close()
    return open_service()


def test_a_span_that_makes_no_reference_is_refused_and_touches_nothing(open_service):
    service = open_service()
    _send(service, *(_event(n, 360_000 + n, features={}) for n in range(100)))
    with pytest.raises(ReferenceFileError, match="no column"):
        _take(service, service.past(KEY, 0, 1_000 * HOUR_US))
    assert service.views()[0].rows_total == 100
    assert _again(service, open_service).views()[0].reference is None


def test_a_reference_that_cannot_be_read_does_not_keep_the_collector_from_starting(open_service, tmp_path):
    service = open_service()
    _submit(service, range(100, 140))
    _take(service, service.past(KEY, 100 * HOUR_US, 135 * HOUR_US))
    service.close()
    (data,) = (tmp_path / "references").glob("*.csv.gz")
    data.write_bytes(data.read_bytes()[:100])
    view = open_service().views()[0]
    assert (view.rows_total, view.reference) == (4_000, None)


def test_what_is_acknowledged_while_a_reference_is_taken_counts_once(open_service):
    service = open_service()
    _submit(service, range(100, 140))
    rows = service.past(KEY, 100 * HOUR_US, 135 * HOUR_US)

    async def submit():
        for hour in range(140, 160):
            await service.intake.submit(_blocks(hour, hour))

    async def both():
        sending = asyncio.create_task(submit())
        while not sending.done():
            await service.take_reference(rows, "a test")
        await service.intake.close()

    asyncio.run(both())
    view = service.views()[0]
    assert (view.rows_total, view.labels_total) == (6_000, 6_000)
    assert [verdict.rows for verdict in view.verdicts] == [100] * len(view.verdicts)


def test_what_is_durable_and_not_applied_yet_is_not_counted_by_a_new_reference_too(open_service):
    service = open_service()
    _submit(service, range(100, 140))
    asyncio.run(service.journal.append([(BLOCK_RECORD, encode(_blocks(140, 140)[0]))]))  # its windows come to it next
    _take(service, service.past(KEY, 100 * HOUR_US, 135 * HOUR_US))
    assert service.views()[0].rows_total == 4_000


def test_a_damaged_record_does_not_stop_a_new_reference(open_service):
    service = open_service()
    _submit(service, range(100, 140))
    asyncio.run(service.journal.append([(BLOCK_RECORD, b"from another version")]))
    service.intake.applied = service.journal.end
    _take(service, service.past(KEY, 100 * HOUR_US, 135 * HOUR_US))
    assert service.views()[0].rows_total == 4_000
    assert service.views()[0].verdicts[-1].features


def test_a_bad_quality_that_a_kill_kept_from_being_told_is_told_after_the_restart(open_service):
    service = open_service()
    hours = range(100, 130)
    _submit(service, hours)
    _take(service, service.past(KEY, 100 * HOUR_US, 130 * HOUR_US))
    bad = [block for hour in range(130, 136) for block in _blocks(hour, hour, right=False)]

    async def submit(blocks):
        await service.intake.submit(blocks)
        await service.intake.close()

    asyncio.run(submit(bad[0::2]))
    service.tick()
    asyncio.run(submit(bad[1:7:2]))  # labels of windows before the newest; no tick follows
    assert service.alarms.firing() == []
    assert [alarm.alert for alarm in _again(service, open_service).alarms.firing()] == ["ModelQualityDrop"]


def test_a_live_stream_that_is_silent_after_a_restart_still_closes_its_window(open_service):
    now = 1_000 * 3_600.0
    service = open_service(lambda: now)
    _send(service, *(_event(n, now - 60) for n in range(10)))
    again = _again(service, lambda: open_service(lambda: now))
    now += 3_600 + 600 + 60
    again.tick()
    assert [verdict.rows for verdict in again.views()[0].verdicts] == [10]


def test_the_page_reads_while_events_come(open_service):
    service = open_service()
    faults, done = [], threading.Event()

    def look():
        try:
            while not done.is_set():
                service.views()
        except Exception as error:
            faults.append(error)

    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=look)
    reader.start()
    try:
        for hour in range(100, 250, 10):
            _submit(service, range(hour, hour + 10))
    finally:
        sys.setswitchinterval(0.005)
        done.set()
        reader.join()
    assert faults == []


def test_rankings_and_sets_come_as_lists_and_are_scored(open_service):
    service = open_service()
    now_us = 100 * HOUR_US
    asked = [
        {"type": "prediction", "project": "shop", "model": model, "id": f"{row}", "time": "1970-01-05T04:00:00Z",
         "prediction": ["a", "b", "c"]}
        for model in ("search", "tags") for row in range(60)
    ]  # fmt: skip
    truths = {"search": ["a", {"b": 2, "c": 1}, "z"], "tags": [["a", "b", "c"], ["a"], []]}
    told = [
        {"type": "label", "project": "shop", "model": model, "id": f"{row}", "time": "1970-01-05T04:00:05Z",
         "label": labels[row % 3]}
        for model, labels in truths.items() for row in range(60)
    ]  # fmt: skip
    later = [event | {"id": "later", "time": "1970-01-05T10:00:00Z"} for event in (asked[0], asked[60])]

    async def submit():
        for events in (asked, told, later):
            parsed = parse_json(json.dumps(events).encode(), now_us)
            assert (await service.intake.submit(*parsed)).accepted == len(events)
        await service.intake.close()

    asyncio.run(submit())
    service.tick()
    found = {view.key.model: view.verdicts[0] for view in service.views()}
    assert found["search"].quality.scores["hit_rate"] == pytest.approx(2 / 3)
    assert found["search"].quality.scores["mrr"] == pytest.approx((1 + 1 / 2) / 3)
    assert found["tags"].quality.scores["exact_match"] == pytest.approx(1 / 3)
    assert found["tags"].classes == {}  # a list is no class


def _finals(service):
    return [verdict for verdict in service.views()[0].verdicts if verdict.final]


def test_the_windows_outlive_their_events_the_snapshot_and_the_version(open_service, tmp_path, monkeypatch, caplog):
    service = open_service()
    _submit(service, range(100, 140))
    _take(service, service.past(KEY, 100 * HOUR_US, 130 * HOUR_US))
    _submit(service, range(140, 180), missing=0.2)
    list(service._keep_up(service.intake.kept))
    told = _finals(service)
    assert len(told) > 50
    service.close()
    for segment in (tmp_path / "journal").glob("*.journal"):
        segment.unlink()  # as retention does with all that is old
    monkeypatch.setattr(sys.modules["tocsin_collector.monitor.monitor"], "__version__", "another")
    service = open_service()
    assert _finals(service) == told
    _submit(service, [180, 181])
    raw = b"time,feature.age\n" + b"".join(b"2026-01-01T%02d:00:00Z,%d\n" % (n % 24, n % 90) for n in range(2_000))
    _take(service, parse(raw, KEY, {}))  # counts anew what the journal has
    assert _finals(service)[: len(told)] == told
    assert service.views()[0].verdicts[-1].rows == 100
