"""A monitor that is put down in a file and taken up again goes on as one that never stopped."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.collector.monitor.test_monitor import CALENDAR, HOUR, KEY, REFERENCE, _labels, _reference, _rows
from tests.collector.monitor.test_vouched import _receipts
from tocsin_collector.frame import Frame, category, number
from tocsin_collector.ingest.snapshot import Snapshots
from tocsin_collector.monitor.judge import Judge
from tocsin_collector.monitor.monitor import Monitor, Name
from tocsin_collector.monitor.watermark import Watermark
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.quality.rules import parse

ROWS = 60
JUDGE = Judge.fit(REFERENCE, CALENDAR, {"source": "a test"})
RULES = parse(b"""
[[rule]]
column = "feature.age"
between = [20, 60]
[[rule]]
column = "feature.age"
mean = [39, 41]
[[rule]]
column = "feature.city"
unique = true
""")
hours = st.integers(100, 106)
far = st.sampled_from([2, 90, 130, 400, 9_000])  # behind, before all others, ahead, in another month, another year
seeds = st.integers(0, 2)


def _change(columns, change):
    """Let a feature come, go, or become one of another kind."""
    if change == "new":
        columns["feature.colour\0"] = columns["feature.city"]
    elif change == "gone":
        del columns["feature.age"]
    elif change == "kind":
        columns["feature.age"] = columns["feature.city"]


def _predictions(hour, seed, version, change):
    frame, _ = _rows(hour, ROWS, seed=seed)
    columns = frame.columns
    _change(columns, change)
    if change == "numbers":
        columns["prediction"] = number(np.arange(ROWS).tolist())
    elif change == "names":  # a sender chooses them, so they may be what the file itself uses
        columns |= {"feature.column": columns["feature.city"], "segment.column": category(["column"] * ROWS)}
    return Frame(
        "prediction", KEY._replace(version=version), frame.time_us, [f"{seed}-{i}" for i in frame.ids], columns
    )


def _late(hour, seed, what, at_h):
    frame, labels = _rows(hour, ROWS, seed=seed)
    ids = [f"{seed}-{event_id}" for event_id in frame.ids]
    frame = Frame("prediction", frame.key, frame.time_us, ids, frame.columns)
    told = _labels(frame, labels, at_s=at_h * HOUR)
    if what == "receipts":
        told.columns["receipt"] = category(_receipts(frame))
    elif what == "numbers":
        told.columns["label"] = number(np.arange(ROWS) / 7)
    elif what == "outcomes":
        columns = {"name": category(["sale", "column"] * (ROWS // 2)), "value": number(np.arange(ROWS).tolist())}
        return Frame("outcome", told.key, told.time_us, ids, columns)
    return told


blocks = st.one_of(
    st.builds(
        _predictions,
        hours | far,
        seeds,
        st.sampled_from(["3", "3", "4", ""]),
        st.sampled_from(["", "", "new", "gone", "kind", "numbers", "names"]),
    ),
    st.builds(_late, hours, seeds, st.sampled_from(["labels", "labels", "receipts", "numbers", "outcomes"]), hours),
    st.none(),  # a tick
)


def _opened(**how):
    verdicts = []
    monitor = Monitor(how.get("calendar", CALENDAR), keep=how.get("keep", 5), min_rows=20, on_verdict=verdicts.append)
    monitor.set_judge(KEY, how.get("judge", JUDGE))
    monitor.set_rules(Name(KEY.project, KEY.model), how.get("rules", RULES))
    return monitor, verdicts


def _feed(monitor, some):
    for block in some:
        if block is None:
            monitor.tick()
        else:
            monitor.apply(block, 0)


def _through_a_file(state, folder):
    snapshots = Snapshots(Path(folder))
    snapshots.save({"position": 0, "windows": state}, {})
    told, _ = snapshots.load()
    return told["windows"]


def _state(monitor):
    """All of it as one text."""
    return json.dumps(monitor.state(), default=lambda leaf: leaf() if callable(leaf) else leaf.tolist())


def _told(monitor):
    """All that anybody can be told, and in which order."""
    models = [
        (model.key, model.alarms_total, model.verdicts_total, dict(model.schema.totals), model.latency.sum_s)
        for model in monitor.models()
    ]
    qualities = [model.latest_quality() for model in monitor.models()]
    return repr((monitor.views(), models, qualities, monitor.unmatched(), monitor.unwatched_total))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(blocks, max_size=12),
    st.lists(blocks, max_size=12),
    st.sampled_from(["looked at", "owned", "as it lies"]),
)
@example(  # windows that are sealed, closed and open, and rows that come late for each
    [*(_predictions(hour, 1, "3", "") for hour in range(100, 108)), _late(105, 1, "receipts", 105)],
    [*(_predictions(hour, 2, "3", "new") for hour in (100, 105, 107)), _late(106, 1, "outcomes", 106), None],
    "as it lies",
)
def test_it_goes_on_as_one_that_never_stopped(tmp_path, before, after, first):
    (never, all_told), (stopped, _), (taken_up, told_after) = _opened(), _opened(), _opened()
    _feed(never, before)
    count = len(all_told)
    _feed(stopped, before)
    assert taken_up.load(_through_a_file(stopped.state(), tmp_path))
    assert _told(taken_up) == _told(never)
    if first == "looked at":
        assert _state(taken_up) == _state(stopped)
    elif first == "owned":
        taken_up.own()
    for monitor in (never, stopped, taken_up):
        _feed(monitor, after)
    assert repr(told_after) == repr(all_told[count:])
    assert _told(taken_up) == _told(never)
    assert _state(taken_up) == _state(stopped)


@given(st.lists(st.tuples(st.integers(0, 400), st.floats(0, 4e5)), min_size=1), st.integers(0, 40))
def test_a_live_stream_s_watermark_goes_on(seen, at):
    never, taken_up = Watermark(3_600, 86_400), Watermark(3_600, 86_400)
    for row, (hour, now_s) in enumerate(seen):
        if row == at:
            taken_up.load(json.loads(json.dumps(never.state())))
        for watermark in (never, taken_up) if row >= at else (never,):
            watermark.events(np.array([hour * 3_600_000_000]), now_s)
            watermark.tick(now_s + 90)
    if at < len(seen):
        assert taken_up.state() == never.state()


@pytest.mark.parametrize(
    "how",
    [
        {"judge": Judge.fit(_reference(20), CALENDAR, {})},
        {"calendar": Calendar(HOUR, 0, lateness_s=601, label_wait_s=3 * HOUR)},
        {"keep": 6},
        {"rules": parse(b"[[rule]]\nrows = [1, 9]")},
    ],
    ids=["reference", "windows", "keep", "rules"],
)
def test_what_was_counted_otherwise_is_left_alone(tmp_path, how):
    monitor, _ = _opened()
    _feed(monitor, [_predictions(hour, 1, "3", "") for hour in range(100, 106)])
    other, _ = _opened(**how)
    nothing = _state(other)
    assert not other.load(_through_a_file(monitor.state(), tmp_path))
    assert _state(other) == nothing


def test_a_copy_stays_what_it_was_while_events_go_on(tmp_path):
    monitor, _ = _opened()
    first = [_predictions(100, 1, "3", ""), _late(100, 1, "labels", 100)]
    _feed(monitor, first)
    state, then = monitor.state(), _state(monitor)
    _feed(monitor, [_late(100, 1, "labels", 101), *(_predictions(hour, 1, "3", "new") for hour in range(100, 106))])
    taken_up, _ = _opened()
    assert taken_up.load(_through_a_file(state, tmp_path))
    assert _state(taken_up) == then


def test_what_was_taken_up_does_not_hold_the_file(tmp_path):
    monitor, _ = _opened()
    late = [_late(100, 1, what, 100) for what in ("labels", "outcomes", "receipts")]
    _feed(monitor, [*(_predictions(hour, 1, "3", "") for hour in range(100, 106)), *late])
    taken_up, _ = _opened()
    state = _through_a_file(monitor.state(), tmp_path)
    assert str(tmp_path) in Path("/proc/self/maps").read_text()
    assert taken_up.load(state)
    taken_up.own()
    del state
    assert str(tmp_path) not in Path("/proc/self/maps").read_text()


@given(st.lists(blocks, max_size=16))
def test_looking_between_blocks_changes_nothing(some):
    """What is gathered and counted later is what would have been counted at once."""
    patient, hasty = _opened(), _opened()
    for block in some:
        _feed(patient[0], [block])
        _feed(hasty[0], [block])
        hasty[0].settle()
    for monitor, _ in (patient, hasty):
        monitor.tick()
    assert _told(patient[0]) == _told(hasty[0])
    assert repr(patient[1]) == repr(hasty[1])
