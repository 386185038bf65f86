"""Once and only once: against a plain description of the rules in dicts."""

import copy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import PRODUCER, labels, predictions
from tocsin_collector.frame import frame
from tocsin_collector.ingest.dedupe import Dedupe, Judged
from tocsin_collector.ingest.drafts import NO_PRODUCER
from tocsin_collector.ingest.identity import contents
from tocsin_collector.keyedhash import KEY_BYTES, KeyedHash
from tocsin_schema.block import Block, column

HOUR_S = 3_600.0
KEYED = KeyedHash(b"k" * KEY_BYTES)


def judged(dedupe: Dedupe, block: Block) -> tuple[list[int], list[int]]:
    found: Judged = dedupe.judge([block], frame(block))
    return found.accepted.tolist(), found.conflicts.tolist()


def test_the_same_block_again_is_known() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    assert judged(dedupe, predictions(["a", "b"])) == ([0, 1], [])
    assert judged(dedupe, predictions(["a", "b"])) == ([], [])


def test_gaps_and_reordering_of_sequences_are_fine() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    for sequence in (9, 2, 1 << 62, 5):
        assert judged(dedupe, predictions([f"{sequence}"], sequence=sequence)) == ([0], [])


def test_two_processes_that_share_a_producer_lose_nothing() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    assert judged(dedupe, predictions(["a"], sequence=1)) == ([0], [])
    assert judged(dedupe, predictions(["b"], sequence=1)) == ([0], [])


@pytest.mark.parametrize("by", ["sequence", "producer"])
def test_sequences_or_producers_at_random_take_no_more_memory_than_they_may_and_count_nothing_twice(by: str) -> None:
    """Of 1,000 blocks some 400 ids are remembered, and fewer sequences: what nobody can tell any more is refused."""
    dedupe, rng = Dedupe(HOUR_S, 1 << 15), random.Random(7)
    named = [
        (f"{rng.getrandbits(128):032x}", 1) if by == "producer" else (PRODUCER, rng.getrandbits(63))
        for _ in range(1_000)
    ]
    blocks = [
        predictions([f"{number}"], at=number / 10, producer=producer, sequence=sequence)
        for number, (producer, sequence) in enumerate(named)
    ]
    for block in blocks:
        assert judged(dedupe, block) == ([0], [])
        dedupe.keep()
    assert dedupe.size_bytes < 1 << 17
    again = [dedupe.judge([block], frame(block)) for block in blocks]
    assert [judgement.accepted.size for judgement in again] == [0] * len(blocks)
    assert 0 < sum(judgement.forgotten.size for judgement in again) < len(blocks)
    taken_up = Dedupe(HOUR_S, 1 << 15)
    taken_up.load(dedupe.state())
    taken_up.load_ids(dedupe.ids())
    assert [taken_up.judge([block], frame(block)).accepted.size for block in blocks] == [0] * len(blocks)
    assert judged(dedupe, predictions(["new"], at=100, sequence=3)) == ([0], [])


def test_a_predictions_id_with_other_values_is_a_conflict() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    judged(dedupe, predictions(["a", "b"], age=41))
    assert judged(dedupe, predictions(["c", "a"], age=42, sequence=2)) == ([0], [1])


def test_ids_of_other_models_and_types_are_other_ids() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    assert judged(dedupe, predictions(["a"])) == ([0], [])
    assert judged(dedupe, predictions(["a"], model="other", sequence=2)) == ([0], [])
    assert judged(dedupe, labels([("a", "yes", 0)], sequence=3)) == ([0], [])


def test_an_id_twice_in_one_block_counts_once() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    assert judged(dedupe, predictions(["a", "b", "a", "a"])) == ([0, 1], [])


def test_a_later_label_corrects_and_an_overtaken_one_does_not() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    assert judged(dedupe, labels([("a", "yes", 10)])) == ([0], [])
    assert judged(dedupe, labels([("a", "no", 5)], sequence=2)) == ([], [])
    assert judged(dedupe, labels([("a", "no", 10)], sequence=3)) == ([0], [])
    assert judged(dedupe, labels([("a", "no", 99)], sequence=4)) == ([], [])
    assert judged(dedupe, labels([("a", "yes", 20), ("a", "no", 15), ("a", "no", 30)], sequence=5)) == ([0, 2], [])


def test_a_spilled_label_block_that_comes_late_does_not_undo_its_correction() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    judged(dedupe, labels([("a", "yes", 0)], sequence=1))
    judged(dedupe, labels([("a", "no", 0)], sequence=2))
    assert judged(dedupe, labels([("a", "yes", 0)], sequence=1)) == ([], [])


def test_what_was_not_written_is_forgotten() -> None:
    dedupe = Dedupe(HOUR_S, 1 << 24)
    judged(dedupe, labels([("a", "yes", 0)], sequence=1))
    dedupe.keep()
    judged(dedupe, labels([("a", "no", 1), ("b", "no", 1)], sequence=2))
    judged(dedupe, labels([("a", "maybe", 2), ("a", "no", 3)], sequence=3))
    dedupe.undo()
    assert judged(dedupe, labels([("a", "yes", 0)], sequence=9)) == ([], [])
    assert judged(dedupe, labels([("a", "no", 1), ("b", "no", 1)], sequence=2)) == ([0, 1], [])


def test_an_event_keeps_its_content_whatever_it_comes_with() -> None:
    alone = frame(predictions(["a"]))
    among = frame(predictions(["a", "b"]))
    among.columns["feature.other"] = frame(labels([("a", 1.0, 0), ("b", 2.0, 0)])).columns["label"]
    among.columns["feature.other"].valid = ~among.columns["feature.other"].valid
    assert contents(alone, KEYED)[0] == contents(among, KEYED)[0]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ([1], [1.0], True),
        ([0.0], [-0.0], True),
        (["x", "x"], ["x", "y"], True),  # a dict column and a text column
        ([True], ["true"], True),  # as categories they are one
        ([1], ["1"], False),
        ([1.0], [1.0000001], False),
        (["x"], [None], False),
        ([0.0], [None], False),
    ],
)
def test_content_compares_values_not_their_encoding(left: list[object], right: list[object], *, same: bool) -> None:
    found = []
    for values in (left, right):
        block = predictions(["a", "b"][: len(values)])
        block.columns["feature.x"] = column("feature.x", values)
        found.append(contents(frame(block), KEYED)[0])
    assert (found[0] == found[1]) == same


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["yes", "no"]), st.integers(0, 3)), max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(ROWS, st.booleans()), max_size=6))
def test_labels_follow_the_rules_whatever_fails_in_between(
    batches: list[tuple[list[tuple[str, str, int]], bool]],
) -> None:
    dedupe, oracle = Dedupe(HOUR_S, 1 << 24), {}
    for rows, durable in batches:
        before = copy.copy(oracle)
        expected = []
        for row, (name, label, at) in enumerate(rows):
            known = oracle.get(name)
            if known is None or (known[0] != label and at >= known[1]):
                oracle[name] = (label, at)
                expected.append(row)
        if rows:
            assert judged(dedupe, labels(list(rows), producer=NO_PRODUCER)) == (expected, [])
        if durable:
            dedupe.keep()
        else:
            dedupe.undo()
            oracle = before
