"""From blocks to an acknowledgement, in one process: order, durability, recovery, failure."""

import asyncio
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import NOW_S, PRODUCER, block, labels, predictions
from tocsin_collector.frame import Frame
from tocsin_collector.ingest.answer import Answer, Refusal
from tocsin_collector.ingest.checks import Bounds
from tocsin_collector.ingest.counters import MAX_MODELS
from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.form import INLINE_BYTES
from tocsin_collector.ingest.intake import BLOCK_RECORD, Intake
from tocsin_collector.ingest.subset import take
from tocsin_collector.journal import open_journal
from tocsin_schema.block import Block, column, decode, encode
from tocsin_schema.catalogue import catalogue


class Windows:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.positions: list[int] = []
        self.blocks: list[int] = []
        self.poison: str | None = None

    def apply(self, frame: Frame, position: int) -> None:
        if self.poison in frame.ids:
            raise ValueError("poison")
        self.ids += frame.ids
        self.positions.append(position)
        self.blocks += frame.blocks or [frame.rows]

    def in_order(self, intake: Intake) -> bool:
        """Whether it was given the blocks of the journal, each frame with the position of its first one."""
        stored = [(position, decode(payload).rows) for position, _, payload in intake._journal.replay()]
        positions = [position for position, _ in stored]
        return self.blocks == [rows for _, rows in stored] and self.positions == [
            position for position in positions if position in self.positions
        ]


def opened(folder: Path, windows: Windows, bounds: Bounds | None = None) -> Intake:
    journal = open_journal(folder, segment_bytes=1 << 16)
    return Intake(journal, windows.apply, bounds=bounds, clock=lambda: NOW_S)


def submitted(intake: Intake, *requests: list[Block]) -> list[Answer]:
    async def run() -> list[Answer]:
        answers = await asyncio.gather(*(intake.submit(blocks) for blocks in requests))
        await intake.close()
        return answers

    return asyncio.run(run())


def values(intake: Intake, name: str) -> list[float]:
    return [item.value for item in intake.samples() if item.name == name]


def test_blocks_reach_the_windows_once_and_in_the_journals_order(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows)
    answers = submitted(intake, *([predictions([f"a{n}", f"b{n}"], sequence=n)] for n in range(40)))
    assert all(answer[:3] == (2, 0, []) for answer in answers)
    assert windows.ids == [f"{letter}{n}" for n in range(40) for letter in "ab"]
    assert windows.blocks == [2] * 40
    assert windows.in_order(intake)
    assert values(intake, "tocsin_journal_syncs_total")[0] < 40
    intake._journal.close()


def test_two_equal_requests_at_the_same_moment_count_once(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows)
    answers = submitted(intake, *([predictions(["a", "b"])] for _ in range(5)))
    assert sorted(answer[:2] for answer in answers) == [(0, 2)] * 4 + [(2, 0)]
    assert windows.ids == ["a", "b"]
    intake._journal.close()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3),  # ids
            st.integers(1, 4),  # sequence
            st.sampled_from([PRODUCER, NO_PRODUCER]),
            st.sampled_from([41.0, 42.0]),
            st.sampled_from([0.0, 0.0, 5_000.0]),  # too far ahead
        ),
        min_size=1,
        max_size=6,
    )
)
def test_blocks_that_wait_together_are_told_and_stored_as_if_each_came_alone(
    tmp_path_factory: pytest.TempPathFactory, some: list[tuple[list[str], int, str, float, float]]
) -> None:
    outcomes = []
    for together in (True, False):
        blocks = [
            predictions(ids, sequence=sequence, producer=producer, age=age, at=at)
            for ids, sequence, producer, age, at in some
        ]
        windows = Windows()
        intake = opened(tmp_path_factory.mktemp("intake"), windows, Bounds(future_s=600))
        if together:
            answers = submitted(intake, *([block] for block in blocks))
        else:
            answers = [submitted(intake, [block])[0] for block in blocks]
        stored = [decode(payload) for _, _, payload in intake._journal.replay()]
        outcomes.append(
            (
                sum(answer.accepted for answer in answers),
                sorted(windows.ids),
                sorted(str(event) for block in stored for event in block.columns["id"].to_list()),
            )
        )
        assert windows.in_order(intake)
        intake._journal.close()
    assert outcomes[0] == outcomes[1]


def test_an_empty_block_that_waited_with_others_has_no_record(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows)
    empty = take(predictions(["x"], sequence=3), np.zeros(0, np.intp))

    async def run() -> list[Answer]:
        sent = [encode(item) for item in (predictions(["a"]), predictions(["a", "b"], sequence=2), empty)]
        first, *together = [intake.submit([decode(raw)], raw=raw) for raw in sent]
        return [await first, *await asyncio.gather(*together)]

    answers = asyncio.run(run())
    assert [(answer.accepted, answer.duplicate) for answer in answers] == [(1, 0), (1, 1), (0, 0)]
    assert windows.blocks == [1, 1]
    assert windows.in_order(intake)


def test_a_row_that_is_refused_is_that_of_its_own_request(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows, Bounds(future_s=600))
    late = predictions(["b"], sequence=2, at=5_000)
    answers = submitted(intake, [predictions(["a"])], [late], [predictions(["c", ""], sequence=3)])
    assert [(answer.accepted, [(one.row, one.code) for one in answer.rejected]) for answer in answers] == [
        (1, []),
        (0, [(0, "too_far_ahead")]),
        (1, [(1, "missing_field")]),
    ]
    assert sorted(windows.ids) == ["a", "c"]
    intake._journal.close()


def test_large_and_small_groups_are_judged_alike(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows)

    async def run() -> list[Answer]:
        sizes = (100, INLINE_BYTES + 1, 100)
        asked = [intake.submit([predictions(["a", f"b{n}"], sequence=n)], size_bytes=s) for n, s in enumerate(sizes)]
        answers = list(await asyncio.gather(*asked))
        answers.append(await intake.submit([predictions(["a", "c"], sequence=9)], size_bytes=100))
        await intake.close()
        return answers

    assert sorted(answer[:2] for answer in asyncio.run(run())) == [(1, 1)] * 3 + [(2, 0)]
    intake._journal.close()


def test_after_a_restart_everything_is_known_and_counted_again(tmp_path: Path) -> None:
    first = Windows()
    intake = opened(tmp_path, first)
    submitted(intake, [predictions(["a", "b"])], [labels([("a", "yes", 0), ("a", "no", 1)], sequence=2)])
    submitted(intake, [predictions(["b", "c"], sequence=3)])  # half of it is known
    intake._journal.close()
    second = Windows()
    again = opened(tmp_path, second)
    again.recover()
    assert second.ids == first.ids == ["a", "b", "a", "a", "c"]
    assert second.positions == first.positions
    assert values(again, "tocsin_predictions_total") == [3]
    assert values(again, "tocsin_events_accepted_total") == [3, 2, 0]
    answers = submitted(again, [predictions(["a", "b"])], [predictions(["c"], sequence=9)])
    assert [answer[:2] for answer in answers] == [(0, 2), (0, 1)]
    assert again.applied == again._journal.end
    again._journal.close()


def test_the_journal_holds_the_accepted_rows_only(tmp_path: Path) -> None:
    intake = opened(tmp_path, Windows())
    submitted(intake, [predictions(["a"])], [predictions(["a", "", "b"], sequence=2)])
    blocks = [decode(payload) for _, _, payload in intake._journal.replay()]
    assert [block.columns["id"].to_list() for block in blocks] == [["a"], ["b"]]
    assert [(block.producer, block.sequence) for block in blocks] == [(PRODUCER, 1), (PRODUCER, 2)]
    intake._journal.close()


def test_what_the_windows_cannot_take_is_durable_and_acknowledged(tmp_path: Path) -> None:
    windows = Windows()
    windows.poison = "bad"
    intake = opened(tmp_path, windows)
    answers = submitted(
        intake, [labels([("a", "yes", 0.0)])], [predictions(["bad"], sequence=2)], [predictions(["b"], sequence=3)]
    )
    assert [answer.accepted for answer in answers] == [1, 1, 1]
    assert windows.ids == ["a"]
    assert values(intake, "tocsin_ingest_apply_errors_total") == [2]  # blocks that came together stay together
    assert values(intake, "tocsin_predictions_total") == [2]
    intake._journal.close()
    again = Windows()
    recovered = opened(tmp_path, again)
    recovered.recover()
    assert again.ids == ["a", "bad", "b"]
    recovered._journal.close()


def test_a_full_disk_refuses_and_forgets_and_then_resumes(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, hard))
    try:
        with pytest.raises(Refusal) as caught:
            submitted(intake, [predictions(["a"])])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.status, caught.value.code) == (503, "journal_full")
    assert windows.ids == []
    assert submitted(intake, [predictions(["a"])])[0][:2] == (1, 0)
    assert windows.ids == ["a"]
    intake._journal.close()


def test_a_request_that_is_cancelled_is_stored_or_not_but_never_half(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows)

    async def run() -> None:
        task = asyncio.create_task(intake.submit([predictions(["a"])]))
        await asyncio.sleep(0)  # lets it hand its block in
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await intake.close()

    asyncio.run(run())
    assert windows.ids == ["a"]
    assert submitted(intake, [predictions(["a"])])[0][:2] == (0, 1)
    intake._journal.close()


def test_a_request_that_no_check_foresaw_fails_alone(tmp_path: Path) -> None:
    windows = Windows()
    intake = opened(tmp_path, windows)
    broken = predictions(["x"], sequence=2)
    broken.columns["feature.age"].data = b"too short"  # decode would have refused it

    async def run() -> list[Answer | BaseException]:
        requests = [[predictions(["a"])], [broken], [predictions(["b"], sequence=3)]]
        return await asyncio.gather(*(intake.submit(blocks) for blocks in requests), return_exceptions=True)

    first, second, third = asyncio.run(run())
    assert isinstance(second, Refusal)
    assert second.code == "unprocessable"
    assert isinstance(first, Answer)
    assert isinstance(third, Answer)
    assert windows.ids == ["a", "b"]
    intake._journal.close()


def test_too_much_that_waits_is_refused_for_now(tmp_path: Path) -> None:
    intake = opened(tmp_path, Windows())

    async def run() -> Refusal:
        with pytest.raises(Refusal) as caught:
            await intake.submit([predictions(["a"])], size_bytes=1 << 30)
        return caught.value

    refusal = asyncio.run(run())
    assert (refusal.status, refusal.code) == (503, "busy")
    intake._journal.close()


def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    intake = opened(tmp_path, Windows())
    intake._journal.close()
    with pytest.raises(Refusal) as caught:
        submitted(intake, [predictions(["a"])])
    assert caught.value.status == 503


def test_times_outside_the_bounds_refuse_their_rows(tmp_path: Path) -> None:
    intake = opened(tmp_path, Windows(), Bounds(past_s=3600, future_s=600))
    at = {"now": 0, "old": -3601, "young": -3599, "ahead": 601, "soon": 599, "1970": -NOW_S, "2100": 2.3e9}
    block = labels([(name, "yes", seconds) for name, seconds in at.items()])
    (answer,) = submitted(intake, [block])
    codes = {item.row: item.code for item in answer.rejected}
    assert {name: codes.get(row, "") for row, name in enumerate(at)} == {
        "now": "",
        "old": "too_old",
        "young": "",
        "ahead": "too_far_ahead",
        "soon": "",
        "1970": "too_old",
        "2100": "too_far_ahead",
    }
    assert answer.accepted == 3
    intake._journal.close()


def test_an_outcome_without_a_name_is_refused_and_never_taken_for_a_label(tmp_path: Path) -> None:
    columns = [
        column("time", [int(NOW_S * 1e6)] * 3, "time"),
        column("id", ["a", "b", "c"], "str"),
        column("name", ["", "conversion", "n" * 300]),
        column("value", [1.0, 1.0, 1.0]),
    ]
    windows = Windows()
    intake = opened(tmp_path, windows)
    (answer,) = submitted(intake, [block("outcome", columns)])
    assert windows.ids == ["b"]
    assert [(item.row, item.code) for item in answer.rejected] == [(0, "out_of_range"), (2, "out_of_range")]
    intake._journal.close()


def test_years_that_no_event_has_are_refused_whatever_the_bounds(tmp_path: Path) -> None:
    intake = opened(tmp_path, Windows(), Bounds(past_s=0, future_s=1e10))
    block = labels([("1969", "yes", 0), ("1970", "yes", 0), ("2199", "yes", 0), ("2200", "yes", 0), ("far", "yes", 0)])
    times = [-1, 0, 7_258_118_399_999_999, 7_258_118_400_000_000, (1 << 63) - 1]
    block.columns["time"] = column("time", list(times), "time")
    (answer,) = submitted(intake, [block])
    assert [(item.row, item.code) for item in answer.rejected] == [(0, "bad_time"), (3, "bad_time"), (4, "bad_time")]
    intake._journal.close()


def test_records_of_other_types_and_unreadable_ones_do_not_stop_recovery(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal(tmp_path)
    sound = encode(predictions(["a"]))
    journal.commit([(99, b"of a later version"), (BLOCK_RECORD, b"no block"), (BLOCK_RECORD, sound)])
    journal.close()
    windows = Windows()
    intake = opened(tmp_path, windows)
    intake.recover()
    assert windows.ids == ["a"]
    assert "journal_record_unreadable position=48 " in caplog.text
    intake._journal.close()


def test_models_beyond_the_bound_share_a_series(tmp_path: Path) -> None:
    intake = opened(tmp_path, Windows())
    blocks = [predictions([str(n)], model=f"m{n}", sequence=n) for n in range(MAX_MODELS + 5)]
    submitted(intake, blocks)
    found = {key.model: count for key, count in intake.counters.predictions.items()}
    assert len(found) == MAX_MODELS + 1
    assert found["_other"] == 5
    intake._journal.close()


def test_every_name_that_is_counted_stands_in_the_catalogue(tmp_path: Path) -> None:
    intake = opened(tmp_path, Windows())
    submitted(intake, [predictions(["a", ""])])
    entries = catalogue()
    for item in intake.samples():
        assert item.name in entries
        assert set(item.labels) == set(entries[item.name].labels)
    intake._journal.close()
