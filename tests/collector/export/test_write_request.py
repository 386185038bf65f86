"""Requests of both versions say what is shown."""

import struct

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.collector.export.remote_write_reader import unpacked
from tests.collector.export.test_protobuf import DURATIONS, column
from tests.collector.export.test_text import HOSTILE, VALUES, read, shown
from tests.collector.exposed import text_of
from tocsin_collector.export.exposition import Column
from tocsin_collector.export.write_request import STALE, VERSIONS, points
from tocsin_schema.catalogue import catalogue

TARGET = {"job": "tocsin-collector", "instance": "here:10301"}


def told(version, columns, target=TARGET):
    families = [(catalogue()[each.name], [("owner", each)]) for each in columns]
    body = VERSIONS[version].write([*points(families, target)], 1_790_000_000_123)
    return unpacked(bytes(cramjam.snappy.compress_raw(body)), VERSIONS[version].fields[0])


@pytest.mark.parametrize("version", VERSIONS)
@given(st.dictionaries(HOSTILE.map(shown), VALUES, max_size=5))
def test_any_label_and_any_number_arrive(version, features):
    of = {"project": "shop", "model": "", "version": "3"}
    new = Column("tocsin_feature_new_ratio", of, ("feature",), [(name,) for name in features], [*features.values()])
    found = told(version, [new])
    assert [time_ms for _, _, time_ms, _ in found] == [1_790_000_000_123] * len(features)
    for (labels, bits, _, _), (name, value) in zip(found, features.items(), strict=True):
        expected = {
            "__name__": new.name,
            "project": "shop",
            "version": "3",
            **TARGET,
            **({"feature": name} if name else {}),
        }
        assert labels == expected
        assert bits == struct.unpack("<Q", struct.pack("<d", value))[0]


@pytest.mark.parametrize("version", VERSIONS)
@given(DURATIONS)
def test_histograms_arrive_as_the_series_of_the_text(version, durations):
    histograms = column(durations)
    found = {
        (labels.pop("__name__"), *sorted(labels.items())): struct.unpack("<d", struct.pack("<Q", bits))[0]
        for labels, bits, _, _ in told(version, [histograms], {})
    }
    assert found == read(text_of([histograms], "text"), "text")


def test_version_2_tells_type_help_and_unit():
    found = told("2.0", [Column("tocsin_journal_bytes_total", {}, (), [()], [3]), column({"a": [0.1]})])
    assert found[0][3] == {"type": 1, "help": "Bytes that were appended to the journal.", "unit": "bytes"}
    assert {about["type"] for _, _, _, about in found[1:]} == {3}


def test_the_mark_of_staleness_is_prometheus_own():
    assert struct.unpack("<Q", STALE) == (0x7FF0000000000002,)
