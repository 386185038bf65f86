"""`compare` as a notebook uses it, and the page that comes of it."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cloud import cloud, vectors
from tests.servers.cache import lacking
from tocsin_collector import compare
from tocsin_collector.reports.page import MOST_CHARTS, page
from tocsin_collector.tables import TableError

ROWS = 5_000
ROOT = Path(__file__).parents[3]


def table(seed, shift=0.0, rows=ROWS):
    rng = np.random.default_rng(seed)
    return {
        "age": rng.normal(40 + shift, 10, rows),
        "city": rng.choice(["Lyon", "Nîmes"], rows, p=[0.5 + shift / 20, 0.5 - shift / 20]),
        "same": np.full(rows, 1.0),
    }


@pytest.mark.parametrize("form", [dict, pa.table], ids=["dict", "arrow"])
def test_what_differs_is_told_first(form):
    found = compare(form(table(1)), form(table(2, shift=4)))
    assert sorted(found.differing) == ["age", "city"]
    assert list(found.features)[-1] == "same"
    assert found.to_dict()["differing"] == found.differing
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["rows"] == ROWS
    assert found.to_dict()["features"]["age"]["distances"]["psi"] > 0
    assert found.features["age"].score == pytest.approx(0.158, abs=0.03)  # normal KS: 2 * cdf(0.2) - 1


def test_tables_of_one_process_do_not_differ():
    assert compare(table(1), table(2)).differing == []


def test_a_reference_of_one_stretch_is_held_against_chance_and_says_so():
    found = compare(table(1, rows=60), table(2, shift=10, rows=60))
    assert "age" in found.differing
    assert any("one stretch" in note for note in found.notes)
    assert not any(compare(table(seed, rows=60), table(100 + seed, rows=60)).differing for seed in range(20))
    assert not any("one stretch" in note for note in compare(table(1), table(2)).notes)


def test_paths_and_frames_say_the_same(tmp_path):
    for name, one in (("a", table(1)), ("b", table(2, shift=4))):
        pq.write_table(pa.table(one), tmp_path / name)
    of_paths = compare(tmp_path / "a", str(tmp_path / "b"))
    assert of_paths.to_dict() == compare(table(1), table(2, shift=4)).to_dict()


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_a_notebook_shows_it_without_script_and_without_the_network():
    html = compare(table(1), table(2, shift=4))._repr_html_()
    found = Elements(html)
    assert "svg" in found.tags
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    assert not [name for name in found.attributes if name.startswith("on") or name in ("href", "src", "style")]
    assert not re.search(r"url\(|@import|https?:", html)
    assert html == compare(table(1), table(2, shift=4))._repr_html_()


def test_names_with_any_character_stay_text():
    odd = {"<script>alert(1)</script>": np.arange(100.0), "a&b": np.array(['</style><b x="'] * 100)}
    text = page(compare(odd, odd), "<i>title</i>")
    assert "<script" not in text
    assert "<i>" not in text
    assert "</style><b" not in text
    assert "&lt;i&gt;title" in text


def test_many_features_are_in_the_table_and_the_most_different_have_charts():
    many = {f"f{number}": np.arange(300.0) for number in range(MOST_CHARTS + 5)}
    text = page(compare(many, many), "many")
    assert text.count('<svg class="chart"') == MOST_CHARTS
    assert f"<td>f{MOST_CHARTS + 4}</td>" in text


def test_odd_columns_are_compared_and_the_rest_goes_on():
    rows = 2_000
    odd = {
        "inf": np.full(rows, np.inf),
        "nan": np.full(rows, np.nan),
        "x": np.arange(float(rows)) % 100,
        "t": np.arange(rows).astype("M8[s]"),
    }
    found = compare(odd | {"old": np.zeros(rows)}, odd | {"x": odd["x"] + 50, "new": np.zeros(rows)})
    assert found.differing == ["x"]
    assert set(found.features) == {"inf", "nan", "x"}
    assert [name for note in found.notes for name in ("'old'", "'new'", "'t'") if name in note] == [
        "'old'",
        "'new'",
        "'t'",
    ]
    assert page(found, "odd")


def test_one_row_is_described_and_not_judged():
    found = compare(table(1), table(2, rows=1))
    assert (found.rows, found.differing, found.features["age"].score) == (1, [], None)
    assert compare(table(1, rows=1), table(2)).differing == []


@pytest.mark.parametrize(
    ("reference", "current", "told"),
    [
        ({"a": [1]}, {"b": [1]}, "share no column"),
        ({"a": [1]}, 7, "current is no table"),
        ({"a": []}, {"a": [1]}, "reference has no row"),
        ({"a": [1]}, {"a": []}, "current table has no row"),
        ("/no/file.csv", {"a": [1]}, "/no/file.csv: cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_told(reference, current, told):
    with pytest.raises(TableError, match=told):
        compare(reference, current)


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, tocsin_collector; print([m for m in ('numpy', 'jinja2', 'pyarrow', 'click') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


PANDAS = """
import numpy as np, pandas as pd
from tocsin_collector import compare
rng = np.random.default_rng(1)
def frame(shift):
    return pd.DataFrame({"age": rng.normal(40 + shift, 10, 5000), "city": pd.Categorical(rng.choice(["a", "b"], 5000)),
                         "name": rng.choice(["x", None], 5000), "at": pd.Timestamp("2026-10-01", tz="UTC")})
found = compare(frame(0), frame(4))
print(found.differing, sorted(found.features))
"""


@pytest.mark.reports
@pytest.mark.system
def test_pandas_frames_are_compared(evidently_python):
    env = {"PYTHONPATH": f"{ROOT / 'collector'}:{ROOT / 'schema'}"}
    done = subprocess.run([evidently_python, "-c", PANDAS], env=env, check=False, capture_output=True, text=True)
    if "No module named 'markupsafe'" in done.stderr or "No module named 'jinja2'" in done.stderr:
        lacking("the environment of the extra `reports` has no jinja2")
    assert done.stdout == "['age'] ['age', 'city', 'name']\n", done.stderr


def test_at_a_terminal_it_is_a_line_for_each_that_differs():
    first, *reasons = repr(compare(table(1), table(2, shift=4))).splitlines()
    assert first == "2 of 3 features differ: 5,000 rows beside 5,000"
    assert [reason.partition(":")[0] for reason in reasons] == ["city", "age"]
    assert repr(compare(table(1), table(1))) == "0 of 3 features differ: 5,000 rows beside 5,000"


def test_embeddings_are_compared_whether_arrays_or_lists(tmp_path):
    known, draw = cloud(41, 32), np.random.default_rng(1)
    before, same, other = (vectors(known, 2_000, draw, new=new) for new in (0, 0, 0.3))
    for now, far in ((same, False), (other, True)):
        held = compare({"text": before}, {"text": now})
        listed = compare({"text": [*before]}, pa.table({"text": now.tolist()}))
        for found in (held, listed):
            verdict = found.features["text"]
            assert bool(verdict.reasons) is far
            assert verdict.kind == "embedding[32]"
            assert "text:cosine" in found._repr_html_()
    with pytest.raises(TableError, match="of embeddings, rows x numbers"):
        compare({"text": before, "n": np.arange(3)}, {"text": same})
