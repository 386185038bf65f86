"""What must not be stored is not: in no encoding, on no way in."""

import asyncio
import json
from array import array
from pathlib import Path

import pytest

from tests.collector.ingest.blocks import NOW_S, block
from tocsin_collector.frame import frame
from tocsin_collector.ingest.intake import Intake
from tocsin_collector.ingest.jsonbody import parse_json
from tocsin_collector.ingest.redact import KEY_BYTES, Redaction, key_of
from tocsin_collector.journal import open_journal
from tocsin_schema.block import Block, column, encode

KEY = b"k" * KEY_BYTES
REDACTION = Redaction(["email"], ["city", "vip", "income", "email"], KEY)
SECRETS = ["ann@example.org", "Lyon", "Oslo", "4711.25"]


def people(city_dtype: str = "str") -> Block:
    columns = [
        column("time", [int(NOW_S * 1e6)] * 3, "time"),
        column("id", ["a", "b", "c"], "str"),
        column("feature.email", ["ann@example.org", None, "ann@example.org"], "str"),
        column("feature.city", ["Lyon", "Oslo", None], city_dtype),
        column("feature.vip", [True, False, None]),
        column("feature.income", [4711.25, 4711.25, 4711.25]),
        column("feature.age", [41, 42, 43]),
        column("prediction", ["yes", "no", "yes"]),
    ]
    return block("prediction", columns)


@pytest.mark.parametrize("dtype", ["str", "dict"])
def test_dropped_features_are_gone_and_hashed_ones_have_pseudonyms(dtype: str) -> None:
    found = REDACTION.block(people(dtype))
    assert list(found.columns) == ["time", "id", "feature.city", "feature.vip", "feature.age", "prediction"]
    lyon, oslo, nowhere = found.columns["feature.city"].to_list()
    assert nowhere is None
    assert lyon == REDACTION._pseudonym("Lyon") != oslo
    assert found.columns["feature.vip"].to_list() == [*map(REDACTION._pseudonym, ["true", "false"]), None]
    raw = encode(found).decode("latin-1")
    assert not [secret for secret in SECRETS if secret in raw]


def test_an_embedding_that_is_to_be_dropped_or_hashed_is_not_stored() -> None:
    rows = [array("f", [0.5, 1.5])] * 3
    made = block(
        "prediction", [*people().columns.values(), column("feature.income", rows), column("feature.said", rows)]
    )
    found = REDACTION.block(made)
    assert "feature.income" not in found.columns
    assert found.columns["feature.said"].dtype == "f32[2]"
    assert "feature.income" not in REDACTION.frame(frame(made)).columns


def test_a_pseudonym_stays_as_it_is() -> None:
    once = REDACTION.block(people())
    twice = REDACTION.block(once)
    assert [item.to_list() for item in twice.columns.values()] == [item.to_list() for item in once.columns.values()]


def test_another_key_gives_other_pseudonyms() -> None:
    other = Redaction(hashed=["city"], key=b"x" * KEY_BYTES)
    assert other._pseudonym("Lyon") != REDACTION._pseudonym("Lyon")


def test_a_block_that_has_none_of_them_is_left_alone() -> None:
    untouched = people()
    assert Redaction(["other"], ["another"], KEY).block(untouched) is untouched


def test_a_references_rows_have_the_pseudonyms_of_the_events() -> None:
    columns = REDACTION.frame(frame(people())).columns
    assert list(columns) == ["feature.city", "feature.vip", "feature.age", "prediction"]
    expected = frame(REDACTION.block(people())).columns
    for name in ("feature.city", "feature.vip"):
        assert columns[name].texts() == expected[name].texts()


def test_nothing_of_them_reaches_the_disk_by_any_way_in(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, segment_bytes=1 << 14)
    given: list[str] = []

    def apply(accepted: object, position: int) -> None:
        given.extend(accepted.columns)  # type: ignore[attr-defined]

    intake = Intake(journal, apply, redaction=REDACTION, clock=lambda: NOW_S)
    event = {"type": "prediction", "model": "m", "prediction": "yes"}
    features = {"email": "ann@example.org", "city": "Lyon", "income": 4711.25, "vip": True}
    events = json.dumps([event | {"id": "j", "features": features}]).encode()

    async def run() -> list[int]:
        sent = [intake.submit([people()], raw=encode(people())), intake.submit(parse_json(events, 0).blocks)]
        answers = [await each for each in sent]
        again = await intake.submit([people("dict")], raw=encode(people("dict")))
        await intake.close()
        return [answer.accepted for answer in answers] + [again.duplicate]

    assert asyncio.run(run()) == [3, 1, 3]
    journal.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [secret for secret in SECRETS if secret.encode() in stored]
    assert b"p-" in stored
    assert not {"feature.email", "feature.income"} & set(given)


def test_the_key_is_drawn_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    assert len(key) == KEY_BYTES
    assert key_of(tmp_path) == key != key_of_other(tmp_path)
    assert (tmp_path / "pseudonyms.key").stat().st_mode & 0o777 == 0o600


def key_of_other(folder: Path) -> bytes:
    (folder / "other").mkdir()
    return key_of(folder / "other")
