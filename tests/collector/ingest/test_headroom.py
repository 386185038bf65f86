"""What was accepted is readable after a restart, however long its names and dictionaries are."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.collector.ingest.blocks import predictions
from tests.collector.ingest.served import Collector
from tocsin_collector.ingest.headroom import MAX_NAMES_CHARS, MAX_VALUES_BYTES, fitted, names_fit
from tocsin_collector.ingest.subset import take
from tocsin_schema.block import MAX_COLUMNS, MAX_HEADER_BYTES, MEDIA_TYPE, column, decode, encode


def replayed(collector: Collector) -> int:
    return sum(decode(payload).rows for _, _, payload in collector.journal.replay())


def test_texts_that_repeat_and_are_long_are_read_again(collector: Collector) -> None:
    features = {f"f{n}": chr(97 + n) * 30_000 for n in range(14)}
    rows = [{"type": "prediction", "model": "m", "id": str(n), "prediction": 1, "features": features} for n in "ab"]
    assert collector.post_json(rows)[1]["accepted"] == 2
    assert replayed(collector) == 2


def test_a_thousand_long_names_are_refused_and_not_lost(collector: Collector) -> None:
    features = {"é" * 200 + str(n): 1 for n in range(1000)}
    event = {"type": "prediction", "model": "m", "id": "1", "prediction": 1, "features": features}
    status, answer = collector.post(json.dumps(event, ensure_ascii=False).encode())
    assert (status, answer["rejected"][0]["code"]) == (400, "too_many_fields")


def test_part_of_a_block_is_read_again_where_the_whole_was(collector: Collector) -> None:
    made = predictions(["a", ""])
    made.columns["feature.city"] = column("feature.city", ["é" * 30_000] * 2, "dict")
    for n in range(15):
        made.columns[f"feature.c{n}"] = column(f"feature.c{n}", ["é" * 30_000] * 2, "dict")
    body = encode(made)
    assert collector.post(body, MEDIA_TYPE)[1]["accepted"] == 1
    assert replayed(collector) == 1


def test_the_budgets_together_leave_the_header_readable() -> None:
    names = [f"feature.{n:04}".ljust(MAX_NAMES_CHARS // (MAX_COLUMNS - 2), "\x01") for n in range(MAX_COLUMNS - 2)]
    assert names_fit(names)
    made = predictions(["a"] * 2)
    made.columns = {name: made.columns[name] for name in ("time", "id")}
    made.columns |= {item.name: item for item in fitted([column(name, ["\x01" * 40] * 2, "dict") for name in names])}
    assert len(made.columns) == MAX_COLUMNS
    assert decode(encode(made)).rows == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["a", "é", '"', "\x01", "🔔"]), st.integers(0, 20_000)), max_size=24))
def test_no_text_changes_and_the_dictionaries_that_stay_are_small(texts: list[tuple[str, int]]) -> None:
    columns = [column(str(n), [text * length, None, text * length], "dict") for n, (text, length) in enumerate(texts)]
    found = fitted(columns)
    assert [item.to_list() for item in found] == [item.to_list() for item in columns]
    kept = [item.values for item in found if item.values is not None]
    assert len(json.dumps(kept, ensure_ascii=False).encode()) <= MAX_VALUES_BYTES + 4 * len(kept) + 2


def test_taking_rows_never_makes_a_header_too_long() -> None:
    made = predictions(["a", "b"])
    values = ["é" * 60_000 + str(n) for n in range(8)]
    made.columns["feature.x"] = column("feature.x", values[:2], "dict")
    made.columns["feature.x"].values = values
    assert len(encode(made)) < MAX_HEADER_BYTES + 200
    assert decode(encode(take(made, np.array([1])))).rows == 1
