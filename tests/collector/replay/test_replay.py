"""The command on real files: what alarms, what each bad input says, and that the rest goes on."""

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tests.cloud import cloud, vectors
from tocsin_collector.commands.replay import command
from tocsin_collector.replay import Question, replay
from tocsin_collector.tables import open_table

START = datetime(2026, 9, 1, tzinfo=UTC)
ROWS = 60
SHIFTED = "2026-09-17T00:00:00Z"
DAYS, CURRENT_DAYS = 15, 4


def side(seed=1, *, days=DAYS, start=START, shift=0.0, rows=ROWS, **more):
    """``days`` of hourly windows; from the second day on ``x`` is shifted."""
    rng = np.random.default_rng(seed)
    hours = np.repeat(np.arange(days * 24), rows)
    base = int(start.timestamp() * 1e6)
    columns = {
        "time": pa.array(
            base + hours * 3_600_000_000 + rng.integers(0, 3_600_000_000, len(hours)), pa.timestamp("us", "UTC")
        ),
        "x": rng.normal(size=len(hours)) + shift * (hours >= 24),
        "city": pa.array(rng.choice(["Lyon", "Nîmes, Sud", 'say "hi"'], len(hours))),
    }
    return pa.table(columns | {name: make(rng, len(hours)) for name, make in more.items()})


def later(**more):
    return side(2, days=CURRENT_DAYS, start=START + timedelta(days=DAYS), **more)


@pytest.fixture
def run(tmp_path):
    def run(reference, current, *options, form="parquet", time="time"):
        paths = []
        for name, table in (("ref", reference), ("cur", current)):
            paths.append(str(tmp_path / f"{name}.{form}"))
            (pq.write_table if form == "parquet" else pyarrow.csv.write_csv)(table, paths[-1])
        done = CliRunner().invoke(
            command, ["--reference", paths[0], "--current", paths[1], "--time", time, *options], catch_exceptions=False
        )
        return done.exit_code, done.stdout, done.stderr

    return run


def lines(stdout):
    return [json.loads(line) for line in stdout.splitlines()]


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_shift_alarms_once_and_says_since_when(run, form):
    code, out, err = run(side(), later(shift=2.0), "--json", form=form)
    found = lines(out)
    assert (code, err, len(found)) == (0, "", CURRENT_DAYS * 24)
    assert all(set(line) == {"window_start", "rows", "alarms", "open"} for line in found)
    assert found[0]["window_start"] == "2026-09-16T00:00:00Z"
    assert {line["rows"] for line in found} == {ROWS}
    onsets = [(line["window_start"], alarm) for line in found for alarm in line["alarms"]]
    at, alarm = onsets[0]
    assert (alarm["feature"], alarm["kind"]) == ("x", "mean")
    assert "2026-09-16T20:00:00Z" <= alarm["since"] <= SHIFTED <= at <= "2026-09-17T02:00:00Z"
    assert alarm["score"] > alarm["threshold"]
    assert "x:mean" in found[30]["open"]
    assert {alarm["feature"] for _, alarm in onsets} == {"x"}


def test_features_that_meet_otherwise_alarm_jointly_with_no_feature(run):
    def pair(rng, rows, turn):
        common = rng.normal(size=rows)
        return common, common * turn + 0.3 * rng.normal(size=rows)

    def sides(turn):
        made = {}

        def first(rng, rows):
            made["other"] = pair(rng, rows, turn)
            return made["other"][0]

        return {"a": first, "b": lambda rng, rows: made["other"][1]}

    wide = {"rows": 400}
    code, out, _ = run(side(**wide, **sides(1)), later(**wide, **sides(-1)), "--json")
    first = lines(out)[0]
    assert code == 0
    assert [(alarm["feature"], alarm["kind"]) for alarm in first["alarms"]] == [(None, "joint")]
    assert first["alarms"][0]["score"] > first["alarms"][0]["threshold"]
    assert first["open"] == [":joint"]
    assert not any(alarm["kind"] == "joint" for line in lines(out)[1:] for alarm in line["alarms"])


def test_three_features_that_only_together_are_odd_alarm_by_the_day(run):
    def sides(turn):
        made = {}

        def third(rng, rows):
            signs = np.where(rng.random(rows) < turn, np.sign(made["a"] * made["b"]), rng.choice([-1, 1], rows))
            return np.abs(rng.normal(size=rows)) * signs

        def keep(name):
            def draw(rng, rows):
                made[name] = rng.normal(size=rows)
                return made[name]

            return draw

        return {"a": keep("a"), "b": keep("b"), "c": third}

    code, out, _ = run(side(**sides(0)), later(**sides(0.8)), "--json")
    found = lines(out)
    told = [(line["window_start"][11:13], alarm["kind"]) for line in found for alarm in line["alarms"]]
    assert (code, told) == (0, [("23", "daily")])
    assert found[-1]["open"] == [":daily"]


def test_nothing_changed_is_silent_in_words_too(run):
    code, out, err = run(side(), later())
    assert (code, err) == (0, "")
    assert "nothing would have alarmed" in out
    assert "alarms: 0, in 0 windows over 4.0 days; 0.013 false ones are expected" in out


def test_the_table_says_what_when_and_at_which_cost(run):
    _, out, _ = run(side(), later(shift=2.0))
    assert out.splitlines()[0] == "reference  21,600 rows in 360 windows, 2 features"
    assert re.search(r"2026-09-17 0[1-3]:00  2026-09-1\d \d\d:00  x        mean", out)
    assert re.search(r"something was open in (72|71|70) of 96 windows", out)


def test_rows_in_any_order_are_the_same_windows():
    table = side(days=2)
    shuffled = table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows)))
    asked = Question("time")
    one, other = (replay(open_table(side()), open_table(each), asked) for each in (table, shuffled))
    assert one.windows == other.windows


def test_a_short_reference_says_so_in_every_window_and_the_rest_goes_on(run):
    code, out, err = run(side(days=3), later(), "--json")
    assert code == 0
    assert err.startswith("insufficient_reference: the reference has 72 windows")
    assert all(line["insufficient_reference"].startswith("the reference has 72") for line in lines(out))
    assert all(line["alarms"] == line["open"] == [] for line in lines(out))
    assert "insufficient_reference: the reference has 72" in run(side(days=3), later())[1]


def test_one_row_is_a_window_and_no_alarm(run):
    code, out, _ = run(side(), later().slice(0, 1), "--json")
    assert (code, lines(out)) == (0, [{"window_start": "2026-09-16T00:00:00Z", "rows": 1, "alarms": [], "open": []}])


def test_a_reference_of_one_row_is_insufficient(run):
    code, _, err = run(side().slice(0, 1), later(), "--json")
    assert code == 0
    assert err.startswith("insufficient_reference")


ODD = {
    "constant": lambda rng, rows: np.full(rows, 7.0),
    "nothing": lambda rng, rows: pa.nulls(rows, pa.float64()),
    "infinite": lambda rng, rows: np.full(rows, np.inf),
    "nan": lambda rng, rows: np.full(rows, np.nan),
    "one class": lambda rng, rows: pa.array(["same"] * rows),
    'na"me\n,\t': lambda rng, rows: rng.normal(size=rows),
    "\N{SNOWMAN}": lambda rng, rows: rng.normal(size=rows),
    "ids": lambda rng, rows: pa.array([f"id-{rng.integers(1 << 40)}" for _ in range(rows)]),
}


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_odd_columns_are_silent_and_the_others_go_on(run, form):
    code, out, err = run(side(**ODD), later(shift=2.0, **ODD), "--json", form=form)
    assert (code, err) == (0, "")
    assert {alarm["feature"] for line in lines(out) for alarm in line["alarms"]} == {"x"}


def test_a_column_that_becomes_infinite_or_another_kind_alarms(run):
    new = {"b": lambda rng, rows: np.full(rows, np.inf), "c": lambda rng, rows: pa.array(["text"] * rows)}
    old = dict.fromkeys("bc", lambda rng, rows: rng.normal(size=rows))
    _, out, _ = run(side(**old), later(**new), "--json")
    assert {(alarm["feature"], alarm["kind"]) for alarm in lines(out)[0]["alarms"]} == {
        ("b", "invalid"),
        ("c", "invalid"),
    }


def test_other_columns_are_named_and_left_out(run):
    code, out, err = run(side(old=ODD["constant"]), later(new=ODD["constant"], shift=2.0), "--json")
    assert code == 0
    assert "x:mean" in lines(out)[30]["open"]
    assert "ref.parquet has: 'old'" in err
    assert "cur.parquet has: 'new'" in err


def test_tables_without_a_shared_column_are_refused(run):
    code, out, err = run(side().select(["time", "x"]), later().select(["time", "city"]))
    assert (code, out) == (1, "")
    assert "share no column that could be a feature" in err


def test_more_features_than_are_judged_are_told():
    rows = {f"f{number}": np.zeros(2) for number in range(10_000)} | {"t": np.array([0, 1])}
    found = replay(open_table(rows), open_table(rows), Question("t"))
    assert len(found.features) == 250
    assert "10000 features: the first 250 are judged" in found.notes


def test_a_column_that_is_not_there_is_told_with_the_nearest(run):
    code, out, err = run(side(), later(), time="tme")
    assert (code, out) == (1, "")
    assert "no column 'tme'; there is 'time'" in err


def test_a_time_column_without_times_is_told(run):
    code, _, err = run(side(), later(), time="city")
    assert code == 1
    assert (
        "column 'city' holds no time; 2026-10-01T00:00:00Z, or seconds or milliseconds since 1970 would be one" in err
    )


def test_times_without_an_offset_are_told_and_rows_without_a_time_left_out(tmp_path):
    reference = {"t": ["2026-09-01 00:30:00", "", "2026-09-01 01:00:00"], "x": [1.0, 2.0, 3.0]}
    found = replay(open_table(reference, "ref"), open_table(reference, "cur"), Question("t"))
    assert [(window.start_s - START.timestamp(), window.rows) for window in found.windows] == [(0, 1), (3_600, 1)]
    assert "ref: times of column 't' without an offset are taken for UTC" in found.notes
    assert any(note.startswith("cur: rows without a time in column 't'") for note in found.notes)


def test_the_reference_against_itself_is_judged_and_told(run):
    code, _, err = run(side(), side())
    assert code == 0
    assert "begin before the reference ends" in err


def outcome(share):
    def make(rng, rows):
        return (rng.random(rows) < share).astype(int)

    return make


SCORED = {"y": outcome(0.5), "p": lambda rng, rows: rng.random(rows)}


def test_quality_is_told_by_window(run):
    def model(right):
        def make(rng, rows):
            truth = np.random.default_rng(rows).random(rows) < 0.5
            return np.where(rng.random(rows) < right, truth, ~truth).astype(float) * 0.8 + 0.1

        return make

    truth = {"y": lambda rng, rows: (np.random.default_rng(rows).random(rows) < 0.5).astype(int)}
    arguments = ("--label", "y", "--prediction", "p")
    sides = side(**truth, p=model(0.9)), later(**truth, p=model(0.6))
    found = lines(run(*sides, *arguments, "--json")[1])
    quality = found[5]["quality"]
    assert quality["labelled"] == ROWS
    assert quality["reference"]["auc"] == pytest.approx(0.9, abs=0.01)
    assert 0.4 < quality["scores"]["accuracy"] < 0.8
    assert any("AUC is" in reason for reason in quality["reasons"])
    assert "of 96 windows beyond a bound" in run(*sides, *arguments)[1]
    assert all("y" not in line["open"] for line in found)


@pytest.mark.parametrize(
    ("labels", "predictions", "scores"),
    [
        ([0, 1], [0.2, 0.9], ["auc", "log_loss", "brier", "accuracy"]),
        ([False, True], [0.2, 0.9], ["auc", "log_loss", "brier", "accuracy"]),
        ([0, 1], [0, 1], ["accuracy"]),
        ([0, 1], ["0", "1"], ["accuracy"]),
        (["yes", "no"], ["yes", "yes"], ["accuracy"]),
        ([1.5, 300.0], [2.5, 250.0], ["mae", "rmse"]),
        ([1, 1], [0.5, 0.7], ["log_loss", "brier", "accuracy"]),
        (["same", "same"], ["same", "same"], ["accuracy"]),
    ],
    ids=str,
)
def test_labels_and_predictions_are_recognised(labels, predictions, scores):
    table = {"t": [1e9, 1e9], "x": [1.0, 2.0], "y": labels, "p": predictions}
    found = replay(open_table(table), open_table(table), Question("t", label="y", prediction="p"))
    assert set(found.windows[0].quality.scores) >= set(scores)


def test_a_label_of_another_kind_than_the_prediction_is_told_and_drift_goes_on(run):
    label = {"y": lambda rng, rows: pa.array(rng.choice(["paid", "due"], rows)), "p": SCORED["p"]}
    sides = side(**label), later(shift=2.0, **label)
    code, out, err = run(*sides, "--label", "y", "--prediction", "p", "--json")
    assert code == 0
    assert "x:mean" in lines(out)[30]["open"]
    assert "no quality: 'y' is a category ('due', 'paid'), 'p' a number (" in err
    assert not any("quality" in line for line in lines(out))


def test_a_reference_without_labels_leaves_quality_told_and_not_judged(run):
    _, out, err = run(side(), later(**SCORED), "--label", "y", "--prediction", "p", "--json")
    assert "ref.parquet: no column 'y': quality is told and not judged" in err
    quality = lines(out)[0]["quality"]
    assert (quality["reference"], quality["thresholds"], quality["reasons"]) == ({}, {}, [])
    assert "auc" in quality["scores"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--window", "1 week"], "a number and a unit are needed, such as 15min, 1h or 1d"),
        (["--window", "0h"], "a number and a unit are needed"),
        (["--label", "y"], "--label and --prediction belong together"),
        (["--false-alarms-per-month", "2"], "0<x<1"),
    ],
)
def test_a_wrong_option_is_a_usage_error(options, told):
    done = CliRunner().invoke(command, ["--reference", "a", "--current", "b", "--time", "t", *options])
    assert done.exit_code == 2
    assert told in done.stderr


def test_windows_may_be_of_any_length():
    table = open_table({"t": [0.0, 899.0, 900.0, 3_600.0], "x": [1.0, 2.0, 3.0, 4.0]})
    found = replay(table, table, Question("t", window_s=900.0))
    assert [(window.start_s, window.rows) for window in found.windows] == [(0, 2), (900, 1), (3_600, 1)]


def embedded(new=0.0, dimensions=24):
    """A column of embeddings, from the second day on with so many rows about a topic that is new."""
    known = cloud(31, dimensions)

    def make(rng, rows):
        made = vectors(known, rows, rng)
        later_rows = slice(24 * ROWS, None)
        if new:
            made[later_rows] = vectors(known, rows - 24 * ROWS, rng, new=new)
        return pa.FixedSizeListArray.from_arrays(pa.array(made.ravel()), dimensions)

    return make


def test_a_topic_that_is_new_in_a_column_of_embeddings_alarms(run):
    code, out, _ = run(side(text=embedded()), later(text=embedded(new=0.4)), "--json")
    told = lines(out)
    onsets = [(alarm["feature"], alarm["kind"]) for line in told for alarm in line.get("alarms", [])]
    assert ("text", "location") in onsets
    assert {feature for feature, _ in onsets} <= {"text", "text:cosine"}
    first = next(line for line in told if line.get("alarms"))
    assert first["window_start"] >= "2026-09-17"
    assert code in (0, 1)


def test_embeddings_of_another_length_than_the_references_alarm_and_end_nothing(run):
    _, out, _ = run(side(text=embedded()), later(text=embedded(dimensions=25)), "--json")
    onsets = {(alarm["feature"], alarm["kind"]) for line in lines(out) for alarm in line.get("alarms", [])}
    assert ("text", "invalid") in onsets


def test_a_clock_change_is_no_drift_in_its_own_time_zone(run):
    """``hour`` is the local hour of the office, whose clocks go back on 25 October 2026."""

    def hours(start, days, seed):
        table = side(seed, days=days, start=start)
        local = [time.astimezone(ZoneInfo("Europe/Paris")).hour for time in table["time"].to_pylist()]
        return table.append_column(
            "hour", pa.array(np.array(local) + np.random.default_rng(seed).normal(size=len(local)))
        )

    start = datetime(2026, 10, 5, tzinfo=UTC)
    reference, current = hours(start, 17, 3), hours(start + timedelta(days=17), 6, 4)
    _, stdout, _ = run(reference, current, "--json", "--time-zone", "Europe/Paris")
    assert [line["alarms"] for line in lines(stdout) if line["alarms"]] == []
    _, stdout, _ = run(reference, current, "--json")
    first = next(line for line in lines(stdout) if line["alarms"])
    assert first["window_start"] >= "2026-10-25T01:00:00Z"
    assert {alarm["feature"] for alarm in first["alarms"]} == {"hour"}


def test_a_time_zone_or_a_holiday_that_there_is_not_is_a_wrong_option(run):
    code, _, stderr = run(side(), later(), "--time-zone", "Mars/Olympus")
    assert (code, "'Mars/Olympus' is no time zone here" in stderr) == (2, True)
    code, _, stderr = run(side(), later(), "--holiday", "Easter")
    assert (code, "'Easter': a date expected, as 2026-12-25" in stderr) == (2, True)
