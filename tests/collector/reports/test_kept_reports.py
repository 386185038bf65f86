"""The folder of reports: what is named is there, what is too old or too much goes, nobody reads beyond it."""

import json

import pytest

from tocsin_collector.reports.kept import EMPTY, FAILED, MADE, NOTE, Entry, KeptReports
from tocsin_collector.verdict import ModelKey

KEY = ModelKey("shop", "org/credit", "")
DAY_S = 86_400.0
FILES = {"html": b"<p>", "json": b"{}"}


def _entry(day, outcome=MADE, by="tocsin", made_s=None):
    made_s = (day + 1) * DAY_S if made_s is None else made_s
    return Entry(f"{day:03}-day-{by}", "day", by, "", day * DAY_S, (day + 1) * DAY_S, made_s, outcome)


def _put(kept, day, outcome=MADE, **more):
    kept.put(KEY, _entry(day, outcome, **more), FILES if outcome == MADE else {})


def _files(tmp_path):
    (folder,) = tmp_path.iterdir()
    return sorted(file.name for file in folder.iterdir())


def test_what_was_put_is_listed_and_its_files_are_there(tmp_path):
    kept = KeptReports(str(tmp_path), 10, 1e9)
    for day in (3, 1, 2):
        _put(kept, day)
    assert [one.name for one in KeptReports(str(tmp_path), 10, 1e9).listed(KEY)] == [
        "003-day-tocsin",
        "002-day-tocsin",
        "001-day-tocsin",
    ]
    assert kept.file(KEY, "001-day-tocsin", "html").read_bytes() == b"<p>"
    assert kept.last_end_s(KEY, "day", "tocsin", "") == 4 * DAY_S
    assert kept.last_end_s(KEY, "day", "evidently", "") is None
    assert kept.listed(KEY._replace(version="2")) == []


def test_beyond_the_number_of_a_plan_the_oldest_go(tmp_path):
    kept = KeptReports(str(tmp_path), 2, 1e9)
    for day in range(5):
        _put(kept, day)
        _put(kept, day, by="evidently")
    assert [one.name[:3] for one in kept.listed(KEY)] == ["004", "004", "003", "003"]
    assert len(_files(tmp_path)) == 4 * 2 + 1


def test_what_was_made_too_long_ago_goes_but_the_newest_of_a_plan(tmp_path):
    kept = KeptReports(str(tmp_path), 10, 2 * DAY_S)
    _put(kept, 0, by="evidently")
    for day in range(6):
        _put(kept, day)
    assert [one.name for one in kept.listed(KEY)] == [
        "005-day-tocsin",
        "004-day-tocsin",
        "003-day-tocsin",
        "000-day-evidently",
    ]


def test_one_that_failed_or_had_no_row_has_a_reason_and_no_file(tmp_path):
    kept = KeptReports(str(tmp_path), 10, 1e9)
    _put(kept, 1, FAILED)
    _put(kept, 2, EMPTY)
    assert _files(tmp_path) == [NOTE]
    assert kept.file(KEY, "001-day-tocsin", "html") is None


@pytest.mark.parametrize("name", ["../../../etc/passwd", NOTE, "", "001-day-tocsin.html", "reports"])
def test_a_name_that_is_not_listed_is_no_file(tmp_path, name):
    kept = KeptReports(str(tmp_path), 10, 1e9)
    _put(kept, 1)
    assert kept.file(KEY, name, "json") is None
    assert kept.file(KEY, "001-day-tocsin", "../html") is None


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"reports": [{"name": 1}]}', b'{"reports": 3}', b"\xff"])
def test_a_damaged_note_is_as_none_and_the_next_report_mends_it(tmp_path, note):
    kept = KeptReports(str(tmp_path), 10, 1e9)
    _put(kept, 1)
    (tmp_path / next(iter(tmp_path.iterdir())).name / NOTE).write_bytes(note)
    assert kept.listed(KEY) == []
    _put(kept, 2)
    assert [one.name for one in kept.listed(KEY)] == ["002-day-tocsin"]
    assert _files(tmp_path) == ["002-day-tocsin.html", "002-day-tocsin.json", NOTE]


def test_files_of_a_kill_half_way_go_with_the_next_report(tmp_path):
    kept = KeptReports(str(tmp_path), 10, 1e9)
    _put(kept, 1)
    folder = next(iter(tmp_path.iterdir()))
    (folder / "002-day-tocsin.html.new").write_bytes(b"half")
    (folder / "002-day-tocsin.json").write_bytes(b"unnamed")
    assert len(kept.listed(KEY)) == 1
    _put(kept, 3)
    assert all(not name.startswith("002") for name in _files(tmp_path))


def test_names_of_any_script_have_folders_of_their_own(tmp_path):
    kept = KeptReports(str(tmp_path), 10, 1e9)
    for key in (KEY, ModelKey("shop", "org-credit", ""), ModelKey("..", "模" * 256, "/")):
        kept.put(key, _entry(1), FILES)
    assert len(list(tmp_path.iterdir())) == 3
    assert json.loads((next(iter(tmp_path.glob("shop*"))) / NOTE).read_text())["key"][0] == "shop"
