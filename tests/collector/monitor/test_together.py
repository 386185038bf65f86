"""Blocks that come together leave a monitor as it is when each of them comes alone, as it does from the journal."""

from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.monitor.test_monitor import HOUR, KEY, _labels, _rows
from tests.collector.monitor.test_state import _change, _opened, _state, _through_a_file, _told
from tests.collector.monitor.test_vouched import _receipts
from tocsin_collector.frame import Frame, category, concat, number

ROWS = 8
Told = tuple[int, float, float, str]
"""A block: its seed, its first minute and how many it has, and what is different about it."""


def _block(seed: int, minute: float, span: float, change: str) -> Frame:
    """A block of predictions from a minute after hour 100 on, or of labels."""
    frame, truth = _rows(100, ROWS, seed=seed % 3, missing=0.2)
    columns = frame.columns
    _change(columns, change)
    if change == "empty":
        columns["feature.age"] = number([None] * ROWS)
    minutes = minute + span * np.random.default_rng(seed).random(ROWS)
    times = (100 * HOUR * 1e6 + minutes * 60e6).astype(np.int64)
    found = Frame("prediction", KEY, times, [f"{seed}-{row}" for row in range(ROWS)], columns)
    if change in ("labels", "receipts"):
        told = _labels(found, truth, at_s=101 * HOUR)
        if change == "receipts":
            told.columns["receipt"] = category(_receipts(found))
        return told
    return found


@st.composite
def _lots(draw: st.DrawFn) -> list[list[Told]]:
    """Blocks as they wait together: of the same columns, mostly of the same minutes; a few are late, or far ahead."""
    lots: list[list[Told]] = []
    begun, seed = 0.0, 0
    for _ in range(draw(st.integers(1, 8))):
        begun += draw(st.sampled_from([0.0, 1.0, 20.0, 60.0, 300.0]))
        change = draw(st.sampled_from(["", "", "", "new", "gone", "kind", "empty", "labels", "receipts"]))
        blocks = []
        for _ in range(draw(st.integers(1, 5))):
            off = draw(st.sampled_from([0.0] * 6 + [-5.0, -70.0, -400.0, 30.0, 600_000.0]))
            blocks.append((seed, begun + off, draw(st.sampled_from([0.0, 2.0, 2.0, 90.0])), change))
            seed += change not in ("labels", "receipts") or draw(st.booleans())
        lots.append(blocks)
    return lots


def _together(told: list[Told]) -> Frame:
    blocks = [_block(*one) for one in told]
    found = concat(blocks)
    if len(blocks) > 1:
        found.blocks = [block.rows for block in blocks]
    return found


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_lots(), st.sampled_from([None, 100 * HOUR, 101.5 * HOUR]), st.booleans())
def test_all_that_is_known_and_told_is_the_same(
    tmp_path: Path, lots: list[list[Told]], now_s: float | None, ticks: bool
) -> None:
    (together, all_told), (alone, told) = _opened(), _opened()
    assert alone.load(_through_a_file(together.state(), tmp_path))  # the same secret key of ids
    for monitor in together, alone:
        monitor.clock = None if now_s is None else lambda: now_s
    for lot in map(_together, lots):
        together.apply(lot, 0)
        for frame in lot.each():
            alone.apply(frame, 0)
        for monitor in (together, alone) if ticks and now_s is None else ():
            monitor.tick()  # a live one rests by the wall's clock
    assert _told(together) == _told(alone)
    assert _state(together) == _state(alone)
    assert repr(all_told) == repr(told)


def test_blocks_of_one_window_are_taken_at_once_and_others_one_by_one() -> None:
    monitor, _ = _opened()
    model = next(iter(monitor.models()))
    usual = _together([(seed, 5.0, 2.0, "") for seed in range(3)])
    assert not model.take_together(usual, None)  # the first events: nothing is known of the stream
    monitor.apply(usual, 0)
    assert model.take_together(_together([(seed, 7.0, 2.0, "") for seed in range(3, 6)]), None)
    assert model.rows_total == 6 * ROWS
    monitor.apply(_together([(20, 62.0, 1.0, "")]), 0)  # then minute 75 is not ahead, and closes the first hour
    for minute, change in ((50.0, ""), (75.0, ""), (-11_000.0, ""), (600_000.0, ""), (7.0, "new"), (7.0, "kind")):
        span = 90.0 if minute == 50.0 else 2.0
        lot = _together([(seed, minute, span, change) for seed in range(6, 9)])
        before = _state(monitor)
        assert not model.take_together(lot, None)
        assert _state(monitor) == before
