"""The protobuf format says what the text says."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.protobuf_reader import families, labels, samples
from tocsin_agent import listing
from tocsin_agent.exposition import family, template
from tocsin_agent.protobuf import Encoder
from tocsin_agent.settings import SOURCES
from tocsin_schema.metric import COUNTER, GAUGE, UNTYPED, Metric

WORDS = st.text(max_size=12)
LEVEL = Metric(
    "node_level", GAUGE, "", 'A \\ level of 100 %, "quoted"\nin two lines.', emitter="agent", labels={"a": 9}
)
COUNT = Metric("node_count_total", COUNTER, "", "A count.", emitter="agent", labels={"a": 9, "b": 9})
FREE = Metric("node_free", UNTYPED, "", "No type.", emitter="agent")


def said(text: bytes) -> dict:
    """What the library reads in the text."""
    found = {}
    for one in parse_text(text.decode()):
        for sample in one.samples:
            own = dict(sample.labels)
            for bound in ("le", "quantile"):
                if bound in own and own[bound] != "+Inf":
                    own[bound] = repr(float(own[bound]))
            found[sample.name, frozenset(own.items())] = sample.value
    return found


@given(
    st.dictionaries(WORDS, st.floats(), max_size=5),
    st.dictionaries(st.tuples(WORDS, WORDS), st.integers(0, 2**53), max_size=5),
)
def test_any_family_comes_back(levels, counts):
    text = family(LEVEL, [({"a": name}, value) for name, value in levels.items()])
    text += family(COUNT, [({"a": a, "b": b}, value) for (a, b), value in counts.items()])
    found, expected = samples(Encoder().encode([text])), said(text)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == value or (math.isnan(found[key]) and math.isnan(value))


def test_names_types_and_help_are_those_of_the_text_format():
    text = family(LEVEL, [({"a": "x"}, 1)]) + family(COUNT, [({}, 2)]) + family(FREE, [({}, 3)])
    found = families(Encoder().encode([text]))
    assert [(one["name"], one["type"], one["help"]) for one in found] == [
        ("node_level", "gauge", LEVEL.help),
        ("node_count_total", "counter", "A count."),
        ("node_free", "untyped", "No type."),
    ]
    assert labels(found[0]["metric"][0]) == {"a": "x"}


@given(st.lists(st.lists(st.integers(0, 1 << 40), min_size=3, max_size=3), min_size=1, max_size=4))
def test_new_values_of_known_series_are_new_in_the_message(scrapes):
    encoder, shape = Encoder(), template(LEVEL, [{"a": name} for name in ("x", 'y"}', "z z")], b"e-2")
    for values in scrapes:
        text = shape % tuple([b"%d" % value for value in values])
        assert samples(encoder.encode([b"", text])) == said(text)


def test_another_set_of_series_and_another_type_are_seen():
    encoder = Encoder()
    texts = [
        b"# HELP node_x_total X.\n# TYPE node_x_total gauge\nnode_x_total 1\n",
        b"# HELP node_x_total X.\n# TYPE node_x_total counter\nnode_x_total 1\n",
        b'# HELP node_x_total X.\n# TYPE node_x_total counter\nnode_x_total{a="b"} 1\nnode_x_total 2\n',
        b"# HELP node_x_total X.\n# TYPE node_x_total gauge\nnode_x_total 3\n",
    ]
    for text in (*texts, *texts):
        body = encoder.encode([text])
        assert samples(body) == said(text)
        assert families(body)[0]["type"] == ("gauge" if b" gauge" in text else "counter")


def test_what_has_no_type_or_no_help_is_untyped():
    text = b'plain{a="b"} 1\nother 2\n# a comment\n# TYPE typed gauge\ntyped 3\n'
    found = families(Encoder().encode([text]))
    assert [(one["name"], one["type"], one["help"]) for one in found] == [
        ("plain", "untyped", ""),
        ("other", "untyped", ""),
        ("typed", "gauge", ""),
    ]


def test_histograms_and_summaries_of_any_source():
    text = (
        b"# HELP x_seconds X.\n# TYPE x_seconds histogram\n"
        b'x_seconds_bucket{a="1",le="0.5"} 1\nx_seconds_bucket{a="1",le="+Inf"} 3\n'
        b'x_seconds_sum{a="1"} 4.5\nx_seconds_count{a="1"} 3\n'
        b'x_seconds_bucket{a="2",le="0.5"} 0\nx_seconds_bucket{a="2",le="+Inf"} 0\n'
        b'x_seconds_sum{a="2"} 0\nx_seconds_count{a="2"} 0\n'
        b"# HELP y Y.\n# TYPE y summary\n"
        b'y{quantile="0.5"} 7\ny{quantile="0.9"} NaN\ny_sum 1\ny_count 2\n'
    )
    found, expected = samples(Encoder().encode([text])), said(text)
    nan = ("y", frozenset({("quantile", "0.9")}))
    assert math.isnan(found.pop(nan))
    assert math.isnan(expected.pop(nan))
    assert found == expected


@pytest.mark.parametrize("text", [b"x 1 1700000000000\n", b'x{a="b" 1\n', b"x one\n", b'x{a="b"}c 1\n', b"x{a=b} 1\n"])
def test_what_is_no_text_of_a_source_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        Encoder().encode([text])


@pytest.mark.parametrize("recorded", ["vm_6.18", "server_4.14"])
def test_every_source_says_the_same_in_both_formats(host, recorded):
    values = host(recorded)
    encoder, compared = Encoder(), 0
    for name in listing.names(SOURCES):
        source = listing.module(SOURCES, name).SOURCE(values)
        try:
            text = source.read()
        except (OSError, ValueError):
            continue
        finally:
            source.close()
        assert samples(encoder.encode([text])) == said(text)
        compared += len(said(text))
    assert compared > 100
