import json
import os
import sys

import numpy as np
import pytest

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.reports import ReportError, render
from tocsin_collector.reports.table import MOST_ROWS, table
from tocsin_collector.verdict import ModelKey


def frame(**columns):
    rows = len(next(iter(columns.values())).valid)
    named = {f"feature.{name}": values for name, values in columns.items()}
    return Frame("prediction", ModelKey("shop", "credit", "1"), np.zeros(rows, np.int64), ["x"] * rows, named)


def window(mean, rows=2_000):
    rng = np.random.default_rng(1)
    ages = [None if row % 50 == 0 else float(age) for row, age in enumerate(rng.normal(mean, 10, rows))]
    cities = [None if row % 70 == 0 else city for row, city in enumerate(rng.choice(["Lyon", "Nîmes"], rows))]
    return frame(age=number(ages), city=category(cities), id=category([f"id{row}" for row in range(rows)]))


@pytest.mark.reports
@pytest.mark.system
def test_a_real_report_says_what_drifted(tmp_path, evidently_python):
    found = render(window(40), window(60), tmp_path / "report.html", evidently_python)
    assert (found["columns"], found["drifted"], found["rows"]) == (2, 1, 2_000)
    assert found["scores"]["age"] > 1 > 0.1 > found["scores"]["city"]
    assert list(found["excluded"]) == ["id"]
    assert "<html" in (tmp_path / "report.html").read_text()[:200].lower()
    assert json.loads((tmp_path / "report.json").read_text())["metrics"]
    assert sorted(os.listdir(tmp_path)) == ["report.html", "report.json"]


@pytest.mark.system
def test_an_interpreter_without_evidently_is_told_what_to_install(tmp_path):
    with pytest.raises(ReportError, match=r"does not have the extra `reports`.*evidently.*make reports"):
        render(window(40), window(60), tmp_path / "report.html", sys.executable)
    assert os.listdir(tmp_path) == []


def test_an_interpreter_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ReportError, match="/no/python cannot be started"):
        render(window(40), window(60), tmp_path / "report.html", "/no/python")


def script(tmp_path, text):
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.system
def test_a_report_that_takes_too_long_is_ended_and_leaves_what_was_there(tmp_path):
    (tmp_path / "report.html").write_text("yesterday's")
    with pytest.raises(ReportError, match=r"longer than 0.2 s and was ended"):
        render(window(40), window(60), tmp_path / "report.html", script(tmp_path, "exec sleep 60"), timeout_s=0.2)
    assert (tmp_path / "report.html").read_text() == "yesterday's"
    assert sorted(os.listdir(tmp_path)) == ["python", "report.html"]


@pytest.mark.system
def test_a_child_that_fails_says_its_last_line(tmp_path):
    failing = script(tmp_path, "echo first >&2; echo 'KeyError: age' >&2; exit 1")
    with pytest.raises(ReportError, match="exit code 1: KeyError: age"):
        render(window(40), window(60), tmp_path / "report.html", failing)


@pytest.mark.reports
@pytest.mark.system
def test_a_report_that_takes_too_much_memory_is_ended(tmp_path, evidently_python):
    with pytest.raises(ReportError, match=r"Evidently (needed more than its limit of memory|failed with exit code)"):
        render(window(40), window(60), tmp_path / "report.html", evidently_python, memory_bytes=300 << 20)
    assert os.listdir(tmp_path) == []


@pytest.mark.system
def test_the_child_is_told_its_limits(tmp_path):
    with pytest.raises(ReportError, match="exit code 1: 1000000 2"):
        render(
            window(40), window(60), tmp_path / "r.html", script(tmp_path, 'echo "$6 $7" >&2; exit 1'), 1.5, 1_000_000
        )


@pytest.mark.system
def test_the_child_sees_no_secret_of_the_environment_and_does_not_track(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    with pytest.raises(ReportError) as caught:
        render(window(40), window(60), tmp_path / "report.html", script(tmp_path, "env | tr '\\n' ' ' >&2; exit 1"))
    assert "DO_NOT_TRACK=1" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ReportError, match="is no folder"):
        render(window(40), window(60), tmp_path / "none" / "report.html")


def test_nothing_comparable_is_no_report(tmp_path):
    with pytest.raises(ReportError, match="no feature can be compared"):
        render(frame(age=number([1.0])), frame(income=number([1.0])), tmp_path / "report.html")


def test_what_cannot_be_compared_is_left_out_with_its_reason():
    before = frame(age=number([1, 2]), city=category(["a", "b"]), gone=number([1, 2]), empty=number([None, None]))
    now = frame(age=number([1, 2]), city=number([1, 2]), new=number([1, 2]), empty=number([1, 2]))
    found = table(before, now)
    assert found.columns == ["age"]
    assert found.excluded == {
        "city": "a category in the reference, a number now",
        "empty": "no value in the reference rows",
        "gone": "not in the current rows",
        "new": "not in the reference rows",
    }


def test_rows_are_sampled_evenly_and_alike_each_time():
    many = frame(row=number(range(3 * MOST_ROWS)))
    one, other = table(many, many), table(many, many)
    assert one.current_rows == MOST_ROWS
    assert one.arrays["current.row"][[0, -1]].tolist() == [0, 3 * MOST_ROWS - 1]
    assert np.array_equal(one.arrays["current.row"], other.arrays["current.row"])


def test_infinities_and_odd_texts_do_not_reach_the_child():
    odd = frame(x=number([1, float("inf"), float("nan"), None]), y=category(["a\0", "b" * 999, None, ""]))
    found = table(odd, odd)
    assert np.isnan(found.arrays["current.x"]).tolist() == [False, True, True, True]
    assert found.arrays["current.y"].tolist() == ["a", "b" * 200, "", ""]
