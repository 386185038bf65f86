"""The protobuf format says what the text says, and native histograms beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.export.test_text import HOSTILE, VALUES, read, shown
from tests.collector.export.test_writer import pieces
from tests.collector.exposed import render, text_of
from tests.protobuf_reader import families, labels, native_buckets, samples
from tocsin_collector.export.exposition import Histogram, Histograms, Sample
from tocsin_schema.latency import BUCKETS, LE_S, bucket
from tocsin_schema.native import ZERO_S

LATENCY = "tocsin_prediction_latency_seconds"


@given(features=st.dictionaries(HOSTILE.map(shown), VALUES, max_size=6), project=HOSTILE)
def test_any_label_and_any_number_come_back(features, project):
    of = {"project": project, "model": "", "version": "3"}
    found = [Sample("tocsin_feature_new_ratio", of | {"feature": name}, value) for name, value in features.items()]
    found.append(Sample("tocsin_journal_bytes_total", {}, 7))
    said = {
        (name, *sorted(own)): repr(float(value)) for (name, own), value in samples(render(found, "protobuf")).items()
    }
    assert said == {key: repr(float(value)) for key, value in read(render(found), "text").items()}


def counted(seconds):
    counts = [0] * BUCKETS
    for each in seconds:
        counts[bucket(each)] += 1
    return Histogram(tuple(counts), sum(seconds))


def column(durations):
    return Histograms(
        LATENCY, {"project": 'a"\\'}, ("model",), [(name,) for name in durations], [*map(counted, durations.values())]
    )


DURATIONS = st.dictionaries(st.sampled_from(["a", "b%", "c"]), st.lists(st.floats(0, 2_000), max_size=20), min_size=1)


@given(DURATIONS)
def test_histograms_say_the_same_in_every_format(durations):
    text, openmetrics, protobuf = (text_of([column(durations)], form) for form in ("text", "openmetrics", "protobuf"))
    assert read(openmetrics, "openmetrics") == read(text, "text")
    assert {(name, *sorted(own)): value for (name, own), value in samples(protobuf).items()} == {
        key: value for key, value in read(text, "text").items() if ("le", "+Inf") not in key
    }
    for name, seconds in durations.items():
        for le in LE_S:
            key = (f"{LATENCY}_bucket", ("le", repr(le)), ("model", name), ("project", 'a"\\'))
            assert read(text, "text")[key] == sum(each <= le for each in seconds)


@given(DURATIONS)
def test_native_buckets_hold_every_duration(durations):
    (family,) = families(text_of([column(durations)], "protobuf"))
    assert (family["name"], family["type"]) == (LATENCY, "histogram")
    for metric, (name, seconds) in zip(family["metric"], durations.items(), strict=True):
        assert labels(metric)["model"] == name
        histogram = metric["histogram"]
        zeros = sum(each <= ZERO_S for each in seconds)
        assert (histogram["zero_count"], histogram["zero_threshold"]) == (zeros, ZERO_S)
        assert sum(native_buckets(histogram).values()) == len(seconds) - zeros


@pytest.mark.parametrize("form", ["text", "openmetrics", "protobuf"])
def test_a_histogram_that_grows_is_written_anew(form):
    from tocsin_collector.export.form import FORMS
    from tocsin_collector.export.writer import Writer
    from tocsin_schema.catalogue import catalogue

    writer = Writer(FORMS[form].rows)
    first, second = column({"a": [0.1]}), column({"a": [0.1, 3.0]})
    (before,), (same,), (after,) = (
        pieces(writer, catalogue()[LATENCY], [("a", each)]) for each in (first, column({"a": [0.1]}), second)
    )
    assert before == same != after
