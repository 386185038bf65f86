"""Small JSON requests that wait together share a block, and each is told of its own rows."""

import asyncio
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.ingest.blocks import labels, predictions
from tocsin_collector.ingest.answer import Rejection
from tocsin_collector.ingest.intake import Intake
from tocsin_collector.ingest.jsonbody import parse_json
from tocsin_collector.ingest.lots import SHARED_BYTES, SMALL_BYTES, Lot, Source, lots
from tocsin_collector.journal import open_journal
from tocsin_schema.block import decode

AT = "2026-11-18T11:06:40Z"


class _Asked:
    def __init__(self, blocks, rows, raw=None, size_bytes=100):
        self.blocks, self.rows, self.raw, self.size_bytes = blocks, rows, raw, size_bytes


def _event(event_id, **how):
    fields = {"type": "prediction", "model": "credit", "id": event_id, "time": AT, "prediction": "yes"}
    return fields | how


def _json(*events, size_bytes=100):
    parsed = parse_json(json.dumps(events).encode(), 0)
    return _Asked(parsed.blocks, parsed.rows, None, size_bytes)


def _ids(lot):
    return [event_id for block in lot.blocks for event_id in block.columns["id"].to_list()]


def test_requests_of_one_model_version_share_a_block():
    (lot,) = lots([_json(_event("a"), _event("b")), _json(_event("c"))])
    assert _ids(lot) == ["a", "b", "c"]
    assert lot.sources == [Source(0, [0, 1]), Source(1, [0])]


def test_other_models_types_and_kinds_of_fields_have_blocks_of_their_own():
    label = {"type": "label", "model": "credit", "id": "d", "time": AT, "label": "no"}
    asked = [_json(_event("a")), _json(_event("b", model="fraud")), _json(_event("c", prediction=1)), _json(label)]
    assert [_ids(lot) for lot in lots(asked)] == [["a"], ["b"], ["c"], ["d"]]


def test_a_block_with_a_producer_stays_as_it_came():
    block = predictions(["x"], producer="a" * 32)
    found = list(lots([_json(_event("a")), _Asked([block], [range(1)], b"as it came"), _json(_event("b"))]))
    assert [(_ids(lot), lot.raws) for lot in found] == [(["x"], [b"as it came"]), (["a", "b"], [None])]


def _blocks(*some, size_bytes=100):
    return [_Asked([block], [range(block.rows)], b"raw", size_bytes) for block in some]


def test_small_blocks_of_the_same_columns_are_judged_together_and_stay_blocks():
    (lot,) = lots(_blocks(predictions(["a"], sequence=1), predictions(["b", "c"], sequence=2)))
    assert [block.sequence for block in lot.blocks] == [1, 2]
    assert lot.raws == [b"raw", b"raw"]
    assert lot.sources == [Source(0, range(1)), Source(1, range(2))]


def test_other_columns_models_types_and_large_blocks_are_judged_alone():
    others = [predictions(["b"], model="fraud"), labels([("c", "no", 0)]), labels([("d", 1, 0)], sequence=2)]
    asked = [*_blocks(predictions(["a"]), *others), *_blocks(predictions(["e"]), size_bytes=SMALL_BYTES + 1)]
    assert [_ids(lot) for lot in lots(asked)] == [["a"], ["b"], ["c"], ["d"], ["e"]]


def test_a_block_that_came_twice_is_judged_after_what_came_first():
    first, again = predictions(["a"]), predictions(["a"], age=42)
    found = list(lots(_blocks(first, predictions(["b"], sequence=2), again)))
    assert [_ids(lot) for lot in found] == [["a", "b"], ["a"]]


def test_large_requests_do_not_grow_a_block_without_end():
    half = SHARED_BYTES // 2
    found = lots([_json(_event(name), size_bytes=half) for name in "abcde"])
    assert [_ids(lot) for lot in found] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_request_that_is_tried_again_alone_has_its_own_events_only():
    asked = [_json(_event("a")), _json(_event("b"))]
    list(lots(asked))
    assert [_ids(lot) for request in asked for lot in lots([request])] == [["a"], ["b"]]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.data())
def test_every_row_is_told_once_to_the_request_that_sent_it(sizes, data):
    sources = [Source(number, [10 * number + row for row in range(size)]) for number, size in enumerate(sizes)]
    fates = data.draw(st.lists(st.sampled_from("adr"), min_size=sum(sizes), max_size=sum(sizes)))
    accepted = np.array([row for row, fate in enumerate(fates) if fate == "a"], np.int64)
    shares = Lot([predictions(["x"])], sources, [None]).shares(
        accepted, [(row, "code", f"{row}") for row, fate in enumerate(fates) if fate == "r"]
    )
    start = 0
    for share, source in zip(shares, sources, strict=True):
        own = fates[start : start + len(source.rows)]
        assert (share.request, share.accepted, share.duplicate) == (source.request, own.count("a"), own.count("d"))
        expected = [Rejection(source.rows[at], "code", str(start + at)) for at, fate in enumerate(own) if fate == "r"]
        assert share.rejected == expected
        start += len(own)


@pytest.mark.timeout(60)
def test_a_storm_of_single_events_is_one_record_and_each_gets_its_answer(tmp_path):
    applied = []

    async def storm():
        journal = open_journal(tmp_path / "journal")
        intake = Intake(journal, lambda frame, position: applied.append(frame), clock=lambda: 1_795_000_000)
        bodies = [_event("first"), *(_event(f"e{number % 40}") for number in range(60)), _event("e1", prediction="no")]
        asked = [intake.submit(*parse_json(json.dumps(body).encode(), 0), size_bytes=200) for body in bodies]
        answers = await asyncio.gather(*asked)
        records = [decode(payload) for _, _, payload in journal.replay()]
        await intake.close()
        journal.close()
        return answers, records

    answers, records = asyncio.run(storm())
    assert [answer.accepted for answer in answers] == [1, *[1] * 40, *[0] * 20, 0]
    assert [answer.duplicate for answer in answers] == [0, *[0] * 40, *[1] * 20, 0]
    assert [rejection.code for rejection in answers[-1].rejected] == ["conflict"]
    assert [record.rows for record in records] == [41]
    assert sorted(applied[0].ids) == sorted(["first", *(f"e{number}" for number in range(40))])
