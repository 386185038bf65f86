"""Histograms that both formats share."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tocsin_agent.sampling.histogram import BYTES_PER_SECOND, RATIO, WATTS, Histogram
from tocsin_schema.metrics import peaks

KINDS = [(peaks.CPU, RATIO), (peaks.SENT, BYTES_PER_SECOND), (peaks.POWER, WATTS)]
VALUES = st.lists(st.floats(0, 2.0**45) | st.floats(0, 1) | st.sampled_from([0.0, 0.1, 1.0, 4096.0, 25.0]), min_size=1)


def shown(histogram):
    (family,) = text_string_to_metric_families(histogram.text().decode())
    return {(sample.name, sample.labels.get("le")): sample.value for sample in family.samples}


@pytest.mark.parametrize(("metric", "layout"), KINDS)
@given(values=VALUES)
def test_the_text_counts_what_is_not_above_each_bound(metric, layout, values):
    histogram = Histogram(metric, layout)
    for value in values:
        histogram.add(value)
    counted = [value if value >= layout.least else 0.0 for value in values]
    found = shown(histogram)
    for bound in layout.shown:
        assert found[f"{metric.name}_bucket", repr(bound)] == sum(value <= bound for value in counted)
    assert found[f"{metric.name}_bucket", "+Inf"] == found[f"{metric.name}_count", None] == len(values)
    assert found[f"{metric.name}_sum", None] == pytest.approx(math.fsum(counted))


def buckets(native):
    """Counts by index, from spans and deltas."""
    found, index, count, deltas = {}, 0, 0, iter(native.deltas)
    for gap, length in native.spans:
        index += gap
        for _ in range(length):
            count += next(deltas)
            found[index] = count
            index += 1
    return found


@pytest.mark.parametrize(("metric", "layout"), KINDS)
@given(values=VALUES)
def test_the_native_form_has_each_value_in_its_exponential_bucket(metric, layout, values):
    histogram = Histogram(metric, layout)
    expected, zeros, above = {}, 0, round(math.log2(layout.bounds[-1])) << layout.schema
    for value in values:
        histogram.add(value)
        if value < layout.least:
            zeros += 1
            continue
        index = next(
            index for index in range(-200, above + 2) if index > above or value <= 2 ** (index / 2**layout.schema)
        )
        expected[index] = expected.get(index, 0) + 1
    native = histogram.native()
    assert native.zeros == zeros
    assert buckets(native) == expected


def test_before_the_first_look_there_is_nothing():
    assert Histogram(peaks.CPU, RATIO).text() == b""
