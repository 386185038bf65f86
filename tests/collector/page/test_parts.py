"""The pieces of the page: addresses, numbers, axes, charts, runbooks."""

import math
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from tocsin_collector.page import numbers, runbook, scale
from tocsin_collector.page.address import model_path, name_of, segment
from tocsin_collector.page.charts import Line, Mark, lines, meter, shares, sparkline
from tocsin_collector.page.logpage import marked

nan = math.nan
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flights", "flights"),
        ("v1.2_b-c", "v1.2_b-c"),
        ("", "-"),
        ("-", "%252D"),
        ("..", "%252E%252E"),
        ("a/b", "a%252Fb"),
    ],
)
def test_plain_names_stand_for_themselves(name: str, text: str) -> None:
    assert segment(name) == text


@given(_TEXT)
@settings(max_examples=200)
def test_every_name_comes_back_from_its_address(name: str) -> None:
    path = f"/models/{segment(name)}/x"
    routed = unquote(urlsplit(path).path)  # what a server does once before it routes
    assert routed.count("/") == 3
    assert name_of(routed.split("/")[2]) == name
    assert routed.split("/")[2] not in (".", "..", "")


def test_two_names_never_share_an_address() -> None:
    names = ["", "-", "%2D", "--", ".", "%2E", "a/b", "a%2Fb", "a b", "a+b", "ü"]
    assert len({model_path("p", name, "") for name in names}) == len(names)


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (0.0076, "0.76 %"),
        (0.163, "16.3 %"),
        (1, "100 %"),
        (0.9996, "100 %"),
        (nan, numbers.DASH),
        (None, numbers.DASH),
    ],
)
def test_ratios(value: float | None, text: str) -> None:
    assert numbers.ratio(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12, "12"), (32891, "32,891"), (0.6123, "0.612"), (1e-7, "1.0e-07"), (1234.5, "1,234"), (math.inf, "∞")],
)
def test_numbers(value: float, text: str) -> None:
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5e11, "466 GiB"), (1e18, "909495 TiB")]
)
def test_sizes(value: float, text: str) -> None:
    assert numbers.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0000042, "4.2 µs"), (0.0031, "3.1 ms"), (2.4, "2.4 s"), (300, "5 min"), (10_800, "3 h"), (400_000, "5 d")],
)
def test_durations(value: float, text: str) -> None:
    assert numbers.seconds(value) == text


def test_a_window_is_called_by_its_day_in_the_windows_zone() -> None:
    assert numbers.window(1_386_219_600, 1_386_306_000, -18_000) == "5 Dec 2013"
    assert numbers.window(1_386_219_600, 1_386_223_200, -18_000) == "5 Dec 2013 00:00 to 01:00"


def test_cells_name_the_month_where_it_turns() -> None:
    day = 86_400
    texts = [numbers.cell(day * n, day * (n + 1), n == 29) for n in range(29, 33)]
    assert texts == ["30 Jan", "31", "1 Feb", "2"]
    assert [numbers.cell(3600 * n, 3600 * (n + 1), False) for n in (23, 24)] == ["23:00", "2 Jan 00:00"]


# --- axes -------------------------------------------------------------------------------------------------------------


@given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
@settings(max_examples=200)
def test_ticks_hold_what_is_drawn_and_are_few(low: float, length: float) -> None:
    found = scale.ticks(low, low + length)
    slack = (found[-1] - found[0]) * 1e-6
    assert found[0] <= low + slack
    assert found[-1] >= low + length - slack
    assert 2 <= len(found) <= 7


@given(st.floats(0, 4e9), st.floats(1, 1e9), st.sampled_from([0.0, -18_000.0, 19_800.0]))
@settings(max_examples=100)
def test_time_ticks_lie_inside_and_are_few(start: float, length: float, offset: float) -> None:
    found = scale.time_ticks(start, start + length, offset)
    assert len(found) <= 10
    assert all(start <= time_s <= start + length for time_s, _ in found)


# --- charts -----------------------------------------------------------------------------------------------------------


def _tree(chart: Markup) -> ET.Element:
    return ET.fromstring(str(chart))  # a chart that is no XML would break the page


_VALUES = st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32)), max_size=20)


@given(_VALUES, st.sampled_from(["", "ratio", "bytes", "seconds"]))
@settings(max_examples=100)
def test_any_values_make_a_chart_that_is_xml(values: list[float | None], unit: str) -> None:
    times = [float(index * 60) for index in range(len(values))]
    marks = [Mark(time_s, value, alarm=True, text="x", href="/x") for time_s, value in zip(times, values, strict=True)]
    _tree(lines([Line("l", times, values)], "t", unit, marks=marks))


@given(st.lists(st.floats(0, 1), max_size=12))
@settings(max_examples=30)
def test_any_shares_make_a_chart_that_is_xml(values: list[float]) -> None:
    _tree(shares(values, values, [f"c{i}" for i in range(len(values))], "t"))


def test_a_chart_tells_its_numbers_to_those_who_do_not_see_it() -> None:
    chart = lines([Line("auc", [0, 60, 120], [0.7, 0.71, 0.6])], "AUC by window", "")
    found = _tree(chart)
    assert found.findtext(".//title") == "AUC by window"
    assert found.findtext(".//desc") == "auc: 0.6 now, from 0.6 to 0.71"


def test_a_gap_in_time_ends_the_line() -> None:
    times = np.array([0.0, 5, 10, 15, 500, 505])
    path = _tree(sparkline(times, np.arange(6.0), "s")).findall("path")[1].get("d") or ""
    assert path.count("M") == 2


def test_a_spike_survives_thinning() -> None:
    values = np.ones(5000)
    values[1234] = 100
    chart = lines([Line("l", np.arange(5000.0), values)], "t", "")
    path = _tree(chart).find(".//path")
    assert path is not None
    assert "14.0" in (path.get("d") or ""), "the top of the plot"
    assert len(str(chart)) < 12_000


def test_charts_have_no_style_attributes_that_the_policy_forbids() -> None:
    made = [
        lines([Line("a", [0, 1], [1, 2])], "t", "", marks=[Mark(0, 1, alarm=True, text="x", href="/y")]),
        shares([0.5], [0.5], ["c"], "t"),
        meter(0.5, 0.4, "m"),
        sparkline(np.array([0.0, 1]), np.array([1.0, 2]), "s"),
    ]
    assert all("style=" not in chart and "<script" not in chart for chart in made)


@given(_TEXT)
@settings(max_examples=50)
def test_names_in_charts_are_escaped(name: str) -> None:
    hostile = name + "</title><script>x</script>\"'"
    for chart in (
        lines([Line(hostile, [0, 1], [1, 2])], hostile, "", marks=[Mark(0, 1, alarm=True, text=hostile, href='/"')]),
        shares([0.5], [0.5], [hostile], hostile),
        meter(0.5, 0.4, hostile),
    ):
        assert "<script" not in chart


# --- texts ------------------------------------------------------------------------------------------------------------


def test_a_runbook_becomes_html() -> None:
    found = runbook.html("# Name\n\n## Meaning\n\nLess than 5 %\nof `x<y>` is *free*.\n\n1. One\n   more\n2. Two\n")
    assert found == (
        "<h2>Meaning</h2>\n<p>Less than 5 % of <code>x&lt;y&gt;</code> is <em>free</em>.</p>\n"
        "<ol><li>One more</li><li>Two</li></ol>"
    )


def test_what_was_searched_is_marked_and_the_rest_escaped() -> None:
    assert marked("<b>\x02boat\x03 & co") == "&lt;b&gt;<mark>boat</mark> &amp; co"
