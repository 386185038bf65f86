"""References over HTTP: in every form of file, several at once, and those that held before."""

import asyncio
import io
import os
import shutil
import threading
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, Values
from tocsin_collector.monitor.reference_file import ReferenceFileError, ReferenceRows, parse
from tocsin_collector.profile import ProfileError, merged
from tocsin_collector.references.profiles import Hours, hours_of
from tocsin_collector.references.store import KEPT, ReferenceStore
from tocsin_collector.references.tablefile import parse_table
from tocsin_collector.service import Service
from tocsin_collector.verdict import CATEGORY, NUMBER, ModelKey
from tocsin_collector.web import application
from tocsin_schema.config import load
from tocsin_schema.settings.collector import COLLECTOR

KEY = ModelKey("shop", "credit", "3")
START = datetime(2026, 1, 1, tzinfo=UTC)
PATH = "/v1/references/shop/credit?version=3"


def columns(shift=0.0, rows=400):
    rng = np.random.default_rng(1)
    return {
        "time": [START + timedelta(hours=row) for row in range(rows)],
        "feature.age": (rng.normal(size=rows) + shift).tolist(),
        "feature.city": rng.choice(["Lyon", "Nîmes"], rows).tolist(),
        "label": rng.choice(["no", "yes"], rows).tolist(),
    }


def as_csv(shift=0.0, plain=False) -> bytes:
    held = columns(shift)
    head = ",".join(name.removeprefix("feature.") if plain else name for name in held)
    lines = [f"{at.isoformat()},{age!r},{city},{label}" for at, age, city, label in zip(*held.values(), strict=True)]
    return "\n".join([head, *lines]).encode()


def as_parquet(shift=0.0, plain=False, **more) -> bytes:
    held = columns(shift) | more
    out = io.BytesIO()
    pq.write_table(pa.table({name.removeprefix("feature.") if plain else name: held[name] for name in held}), out)
    return out.getvalue()


def as_stream() -> bytes:
    out = io.BytesIO()
    table = pa.table(columns())
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


@pytest.fixture
def client(tmp_path):
    """A function that sends one request to an application over a folder of its own."""
    service = Service(load(COLLECTOR, None, {}) | {"data_dir": str(tmp_path)}, page_url="http://localhost")
    service.recover()
    app = application(service)

    def call(method, path, **how):
        found = []

        async def send():
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://collector") as session:
                found.append(await session.request(method, path, timeout=60, **how))
            await service.intake.close()

        thread = threading.Thread(target=lambda: asyncio.run(send()))  # a browser test may have a loop in ours
        thread.start()
        thread.join()
        return found[0]

    yield call
    service.close()


def plain(rows: ReferenceRows):
    every = {**rows.frame.columns, "label": rows.labels}
    return rows.frame.time_us.tolist(), {name: (one.kind, one.texts()) for name, one in every.items()}


@pytest.mark.parametrize("raw", [as_parquet(), as_stream(), as_parquet(plain=True)], ids=["parquet", "stream", "plain"])
def test_a_binary_file_is_the_same_reference_as_the_csv(raw):
    found, notes = parse_table(raw, KEY, {})
    assert notes == ()
    assert plain(found) == plain(parse(as_csv(), KEY, {})) == plain(parse(as_csv(plain=True), KEY, {}))


def test_a_number_that_the_stream_shows_as_category_is_one_and_ids_are_text():
    raw = as_parquet(**{"feature.code": list(range(400)), "id": list(range(400)), "outcome.cost": [2.0] * 400})
    found, _ = parse_table(raw, KEY, {"feature.code": CATEGORY})
    assert found.frame.columns["feature.code"].kind == CATEGORY
    assert found.frame.ids[:3] == ["0", "1", "2"]
    assert found.outcomes["cost"].kind == NUMBER


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"score.yes": ["high"] * 400}, "column 'score.yes': numbers are needed, found texts"),
        ({"time": ["yesterday"] * 400}, "column 'time' holds no time"),
        (
            {"feature.e": [[0.5, 1.0]] * 399 + [[0.5]] * 1, "label": [[0.5, 1.0]] * 400},
            "column 'label': embeddings are",
        ),
        ({"feature.e": [[0.5] * 4_097] * 400}, "an embedding has 2 to 4096 numbers"),
        ({"odd": [1] * 400}, "column 'odd': one of time, id"),
    ],
)
def test_a_fault_of_a_binary_file_is_told(more, fault):
    with pytest.raises(ReferenceFileError, match=fault):
        parse_table(as_parquet(**more), KEY, {})


SOUND = {"parquet": as_parquet(), "stream": as_stream()}


@given(st.sampled_from(["parquet", "stream"]), st.integers(0, 3_000), st.binary(max_size=8))
@example("stream", 140, b"\x80")  # the name of a column
def test_damaged_files_give_rows_or_a_fault(form, at, junk):
    raw = SOUND[form]
    try:
        parse_table(raw[:4] + raw[4:at] + junk + raw[at + len(junk) :], KEY, {})
    except ReferenceFileError:
        return


def test_the_api_takes_a_parquet_file_and_judges_by_it(client):
    told = client("PUT", PATH, content=as_parquet())
    assert (told.status_code, told.json()["rows"], told.json()["source"]) == (200, 400, "a file")
    assert client("GET", "/v1/models/shop/credit").json()["versions"][0]["reference"]["rows"] == 400


def test_references_of_several_names_are_listed_and_one_holds(client):
    client("PUT", PATH, content=as_csv())
    client("PUT", f"{PATH}&name=training", content=as_parquet(shift=1))
    client("PUT", PATH, content=as_csv(shift=2))
    found = client("GET", PATH).json()["references"]
    assert [(one["name"], one["revision"], one["holds"]) for one in found] == [
        ("", 2, True),
        ("", 1, False),
        ("training", 1, False),
    ]
    assert all(one["rows"] == 400 and one["end_s"] > one["start_s"] and one["taken_s"] for one in found)


def test_one_that_held_before_holds_again(client):
    first = client("PUT", PATH, content=as_csv()).json()
    client("PUT", PATH, content=as_csv(shift=2))
    again = client("PUT", f"{PATH}&revision=1").json()
    assert (again["source"], again["start_s"]) == ("revision 1 again", first["start_s"])
    newest = client("GET", PATH).json()["references"][0]
    assert (newest["revision"], newest["holds"], newest["source"]) == (3, True, "revision 1 again")


def test_a_revision_that_is_not_kept_is_told(client):
    answer = client("PUT", f"{PATH}&revision=7")
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        "no reference of revision 7 is kept; `tocsin reference list` tells which are",
    )


def _predict(client, start, shift, rows=300):
    events = [
        {"type": "prediction", "model": "credit", "project": "shop", "version": "3", "id": f"{start:%j}-{row}"}
        | {
            "prediction": "yes",
            "time": (start + timedelta(seconds=row)).isoformat(),
            "features": {"age": shift + row / rows},
        }
        for row in range(rows)
    ]
    assert client("POST", "/v1/events", json=events).json()["accepted"] == rows


def test_a_report_compares_with_a_reference_by_its_name(client):
    client("PUT", PATH, content=as_csv())
    client("PUT", f"{PATH}&name=training", content=as_csv(shift=50))
    _predict(client, datetime(2026, 2, 1, tzinfo=UTC), 50)
    span = "version=3&from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z&by=tocsin&format=json"
    score = {
        name: client("GET", f"/v1/reports/shop/credit?{span}&reference={name}").json()["features"]["age"]["reasons"]
        for name in ("", "training")
    }
    assert "(distance 1.00" in score[""][0]
    assert "(distance 1.00" not in "".join(score["training"])
    assert client("GET", f"/v1/reports/shop/credit?{span}&reference=none").status_code == 404


def test_a_report_compares_with_the_same_hours_a_week_before(client):
    week = timedelta(days=7)
    at = datetime(2026, 2, 1, tzinfo=UTC)
    _predict(client, at, 1)
    _predict(client, at + week, 1)
    span = f"version=3&from={(at + week):%Y-%m-%dT%H:%M:%SZ}&to={(at + week):%Y-%m-%dT}12:00:00Z"
    found = client("GET", f"/v1/reports/shop/credit?{span}&by=tocsin&format=json&reference=last-week").json()
    assert (found["reference_rows"], found["rows"], found["differing"]) == (300, 300, [])


def test_windows_are_told_beside_what_has_a_name_before_and_after_a_restart(client, tmp_path, tmp_path_factory):
    client("PUT", PATH, content=as_csv())
    for day in range(1, 5):
        _predict(client, datetime(2026, 2, day, tzinfo=UTC), 0)
    client("PUT", f"{PATH}&name=training", content=as_csv(shift=50))

    def beside():
        windows = client("GET", "/v1/models/shop/credit").json()["versions"][0]["windows"]
        return [[each["reference"] for each in one["beside"]] for one in windows if one["rows"]]

    assert beside() == [["training"], *[["training", "last-28-days"]] * 2]
    lines = client("GET", "/metrics").text.splitlines()
    shown = {line.split("{")[0] for line in lines if 'reference="training"' in line}
    assert shown == {"tocsin_feature_reference_distance", "tocsin_reference_features_beyond"}
    assert "Beside <bdi>training</bdi> (400 rows" in client("GET", "/models/shop/credit/3").text
    assert "Beside further references" in client("GET", "/models/shop/credit/3/features/age").text
    copy = shutil.copytree(tmp_path, tmp_path_factory.mktemp("restart") / "data")
    service = Service(load(COLLECTOR, None, {}) | {"data_dir": str(copy)}, page_url="http://localhost")
    service.recover()
    (view,) = [view for view in service.views() if view.verdicts]
    assert [[each.reference for each in one.beside] for one in view.verdicts if one.rows] == beside()
    service.close()


def test_what_loses_its_name_is_compared_with_no_more(client):
    client("PUT", PATH, content=as_csv())
    client("PUT", f"{PATH}&name=training", content=as_csv(shift=1))
    assert client("DELETE", f"{PATH}&name=training").json() == {"removed": "training"}
    assert [one["name"] for one in client("GET", PATH).json()["references"]] == [""]
    gone = client("DELETE", f"{PATH}&name=training")
    assert (gone.status_code, gone.json()["detail"]) == (404, "there is no reference 'training'; GET lists them")
    assert client("DELETE", PATH).status_code == 422


@pytest.mark.parametrize("name", ["last-week", "last-28-days"])
def test_the_names_of_the_streams_own_past_are_taken(client, name):
    answer = client("PUT", f"{PATH}&name={name}", content=as_csv())
    assert answer.status_code == 400
    assert "is the name of the stream's own past" in answer.json()["detail"]


def test_the_newest_few_names_are_compared_with(tmp_path):
    store = ReferenceStore(str(tmp_path))
    store.put(store_rows(), "a file")
    for name in ("a", "b", "c", "d", "e", "a"):
        store.keep(store_rows(), name, "a file")
    assert list(store.compared(KEY)) == ["c", "d", "e", "a"]
    told = [(one["name"], one["revision"]) for one in store.listed(KEY) if one["compared"]]
    assert told == [("a", 2), ("c", 1), ("d", 1), ("e", 1)]


def store_rows(shift=0.0):
    return parse(as_csv(shift), KEY, {})


def test_the_newest_few_are_kept_and_nothing_else_is_left(tmp_path):
    store = ReferenceStore(str(tmp_path), clock=lambda: 7.0)
    for shift in range(KEPT + 2):
        store.put(store_rows(shift), "a file")
    assert [one["revision"] for one in store.listed(KEY)] == [*range(KEPT + 2, 2, -1)]
    assert len(os.listdir(tmp_path)) == 1 + 2 * KEPT
    assert store.revision(KEY, 2) is None
    assert plain(store.revision(KEY, 3)) == plain(store_rows(2))
    ((held, _),) = ReferenceStore(str(tmp_path)).load()
    assert plain(held) == plain(store_rows(KEPT + 1))


def test_profiles_of_hours_are_small_and_the_same_each_time(tmp_path):
    store = ReferenceStore(str(tmp_path))
    store.keep(store_rows(), "training", "a file")
    (file,) = [name for name in os.listdir(tmp_path) if name.endswith(".profiles")]
    assert (tmp_path / file).read_bytes() == hours_of(store_rows().frame).to_bytes()
    found = store.hours(KEY, "training")
    assert (len(found.profiles), merged(found.profiles.values(), found.layout).rows) == (400, 400)
    (tmp_path / file).write_bytes(b"damaged")
    assert store.hours(KEY, "training") is None


@given(st.lists(st.floats(allow_nan=True), max_size=30), st.integers(1, 5))
def test_hours_read_back_the_same(values, spread):
    data = np.array(values, np.float64)
    times = np.arange(len(data), dtype=np.int64) * spread * 1_000_000_000
    frame = Frame(
        "prediction", KEY, times, [""] * len(data), {"feature.x": Values(NUMBER, data, np.ones(len(data), bool))}
    )
    found = hours_of(frame)
    again = Hours.from_bytes(found.to_bytes())
    assert again.to_bytes() == found.to_bytes()
    assert sum(one.rows for one in again.profiles.values()) == len(data)


def test_profiles_that_cannot_be_read_are_made_anew_from_the_rows_of_the_one_that_holds(tmp_path):
    store = ReferenceStore(str(tmp_path))
    store.put(store_rows(), "a file")
    (file,) = [name for name in os.listdir(tmp_path) if name.endswith(".profiles")]
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[: len(whole) // 2])
    assert store.hours(KEY, "").to_bytes() == whole


def test_what_is_redacted_is_in_no_reference(tmp_path):
    values = load(COLLECTOR, None, {}) | {"data_dir": str(tmp_path), "ingest.drop_features": ["city"]}
    service = Service(values, page_url="http://localhost")
    asyncio.run(service.keep_reference(store_rows(), "training", "a file"))
    hours = service.references.hours(KEY, "training")
    assert [feature.name for feature in hours.layout.features] == ["age"]
    service.close()


def test_profiles_under_another_layout_are_refused():
    one, other = (hours_of(store_rows(shift).frame) for shift in (0, 1))
    with pytest.raises(ProfileError, match="has layout"):
        Hours.from_bytes(Hours(one.layout, other.profiles).to_bytes())
