"""The two text formats."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.conftest import openmetrics
from tocsin_agent.exposition import family, number, template
from tocsin_agent.exposition import series as line
from tocsin_schema.metric import COUNTER, GAUGE, UNTYPED, Metric

VALUES = st.text(max_size=30)
ODD = Metric("node_odd_things", COUNTER, "", "A counter of another name.", emitter="agent", labels={"a": 9})
GOOD = Metric(
    "node_good_total", COUNTER, "", 'With "quotes", a \\ and 100 %.', emitter="agent", labels={"a": 9, "b": 9}
)
FREE = Metric("node_free", UNTYPED, "", "No type.", emitter="agent")
LEVEL = Metric("node_level", GAUGE, "", "A level.", emitter="agent", labels={"a": 9})


@given(st.dictionaries(VALUES, st.integers(0, 2**53), min_size=1, max_size=4), VALUES)
def test_any_label_value_comes_back(series, rows, other):
    text = family(GOOD, [({"a": value, "b": other}, number) for value, number in rows.items()])
    shown = {value.encode("utf-8", "replace").decode(): number for value, number in rows.items()}
    found = {dict(labels)["a"]: value for (_, labels), value in series(text).items()}
    assert found == {value: float(number) for value, number in shown.items()}


@given(st.lists(VALUES, min_size=1, max_size=4, unique=True))
def test_a_template_filled_is_the_family(values):
    rows = [({"a": value, "b": "%b %d %%"}, index) for index, value in enumerate(values)]
    filled = template(GOOD, [labels for labels, _ in rows]) % tuple([b"%d" % value for _, value in rows])
    assert filled == family(GOOD, rows)


def test_an_exponent_is_part_of_the_value(series):
    text = template(LEVEL, [{"a": "x"}], b"e-2") % (b"1234",)
    assert series(text) == {("node_level", frozenset({("a", "x")})): 12.34}


def test_a_lone_surrogate_becomes_a_question_mark():
    assert line("m", {"a": "\ud800"}) == b'm{a="?"}'


def test_a_family_without_series_is_nothing():
    assert (family(LEVEL, []), template(LEVEL, [])) == (b"", b"")


@pytest.mark.parametrize("value", [0, -1, 1.5, 1e300, math.inf, -math.inf, math.nan, 2**64 - 1])
def test_any_number_is_read_back(series, value):
    (found,) = series(family(LEVEL, [({"a": ""}, value)])).values() if not math.isnan(value) else [math.nan]
    assert found == value or math.isnan(value)
    assert number(value).strip()


def test_openmetrics_names_families_as_client_golang_does():
    text = family(GOOD, [({"a": "1", "b": "2"}, 3)]) + family(ODD, [({"a": "1"}, 4)]) + family(FREE, [({}, 5)])
    assert openmetrics([text]).decode() == (
        '# HELP node_good With \\"quotes\\", a \\\\ and 100 %.\n# TYPE node_good counter\n'
        'node_good_total{a="1",b="2"} 3\n'
        '# HELP node_odd_things A counter of another name.\n# TYPE node_odd_things unknown\nnode_odd_things{a="1"} 4\n'
        "# HELP node_free No type.\n# TYPE node_free unknown\nnode_free 5\n"
        "# EOF\n"
    )


def test_openmetrics_of_nothing():
    assert openmetrics([]) == openmetrics([b"", b""]) == b"# EOF\n"


def test_a_label_that_looks_like_a_header_stays_a_label(series):
    text = family(LEVEL, [({"a": "x\n# HELP node_good_total y\n# TYPE node_good_total counter"}, 1)])
    assert len(series(text)) == 1


def test_a_family_may_change_its_help_and_type_between_two_scrapes():
    for help_text, kind, base in (
        ("One.", "counter", b"x"),
        ("Another one.", "counter", b"x"),
        ("One.", "untyped", b"x_total"),
    ):
        text = f"# HELP x_total {help_text}\n# TYPE x_total {kind}\nx_total 1\n".encode()
        head = b"# HELP %b %b\n# TYPE %b %b\n" % (
            base,
            help_text.encode(),
            base,
            {"untyped": "unknown"}.get(kind, kind).encode(),
        )
        assert openmetrics([text]) == head + b"x_total 1\n# EOF\n"
