"""Text and OpenMetrics say what was put, to whoever reads them; prometheus_client's parsers are the oracle."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.collector.exposed import render
from tocsin_collector.export.exposition import Sample
from tocsin_collector.export.text import openmetrics_head
from tocsin_schema.catalogue import catalogue
from tocsin_schema.metric import COUNTER, UNTYPED, Metric

HOSTILE = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ['"', "\\", "\n", '\\"', "%b", "%", "}", " 1\n# EOF", "a\r\nb", "\x00", "\ud800", "_other", ",", "=", "{}"]
)
VALUES = (
    st.floats()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([math.inf, -math.inf, math.nan, -0.0, 5e-324, 2**53 + 1])
)
PARSERS = {"text": parse_text, "openmetrics": parse_openmetrics}


def read(text: bytes, form: str) -> dict:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in PARSERS[form](text.decode())
        for sample in family.samples
    }


def shown(value: str) -> str:
    """UTF-8 has no lone surrogates."""
    return value.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("form", PARSERS)
@given(features=st.dictionaries(HOSTILE.map(shown), VALUES, max_size=6), project=HOSTILE)
def test_any_label_and_any_number_come_back(form, features, project):
    of = {"project": project, "model": "", "version": "3"}
    samples = [Sample("tocsin_feature_new_ratio", of | {"feature": name}, value) for name, value in features.items()]
    found = read(render(samples, form), form)
    assert len(found) == len(features)
    for name, value in features.items():
        key = ("tocsin_feature_new_ratio", *sorted((of | {"project": shown(project), "feature": name}).items()))
        assert repr(float(found[key])) == repr(float(value))


@given(st.integers(-(2**70), 2**70))
def test_an_integer_keeps_all_its_digits(number):
    assert render([Sample("tocsin_window_rows", {}, number)]).endswith(b"\ntocsin_window_rows %d\n" % number)


def test_what_is_no_number_is_written_as_the_formats_have_it():
    values = [math.inf, -math.inf, math.nan]
    samples = [Sample("tocsin_window_rows", {"model": str(value)}, value) for value in values]
    assert [line.rpartition(b" ")[2] for line in render(samples).splitlines()[2:]] == [b"+Inf", b"-Inf", b"NaN"]


@pytest.mark.parametrize("form", PARSERS)
def test_every_metric_of_the_catalogue_has_a_head_that_parsers_take(form):
    samples = [Sample(name, {}, 1) for name, metric in catalogue().items() if metric.type in (COUNTER, "gauge")]
    found = read(render(samples, form), form)
    assert {name for (name,) in found} == {sample.name for sample in samples}


def test_openmetrics_ends_as_it_must_and_has_units_where_the_name_has_them():
    text = render([Sample("tocsin_journal_bytes_total", {}, 3), Sample("tocsin_window_rows", {}, 1)], "openmetrics")
    assert text.endswith(b"\n# EOF\n")
    bytes_total, rows = parse_openmetrics(text.decode())
    assert (bytes_total.name, bytes_total.type, bytes_total.unit) == ("tocsin_journal_bytes", "counter", "bytes")
    assert (rows.name, rows.type, rows.unit) == ("tocsin_window_rows", "gauge", "")


def test_what_is_no_counter_to_openmetrics_is_unknown():
    assert openmetrics_head(Metric("x", COUNTER, "", "X.", emitter="collector")) == b"# TYPE x unknown\n# HELP x X.\n"
    assert openmetrics_head(Metric("y_total", UNTYPED, "", 'A "\\\n.', emitter="collector")) == (
        b'# TYPE y_total unknown\n# HELP y_total A \\"\\\\\\n.\n'
    )
