"""Event times: RFC 3339 in, microseconds out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.ingest import times


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-23T10:00:00Z", 1_795_428_000_000_000),
        ("2026-11-23t10:00:00z", 1_795_428_000_000_000),
        ("2026-11-23 10:00:00Z", 1_795_428_000_000_000),
        ("2026-11-23T12:30:00+02:30", 1_795_428_000_000_000),
        ("2026-11-23T04:00:00-06:00", 1_795_428_000_000_000),
        ("2026-11-23T10:00:00.5Z", 1_795_428_000_500_000),
        ("2026-11-23T10:00:00.1234567891Z", 1_795_428_000_123_456),
        ("1969-12-31T23:59:59Z", -1_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ],
)
def test_rfc_3339_is_read(text: str, time_us: int) -> None:
    assert times.parse(text) == time_us


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-11-23", "2026-11-23T10:00:00", "1795428000", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z",
        "2026-11-23T25:00:00Z", "2026-11-23T10:00:60Z", "2026-11-23T10:00:00+25:00", "2026-11-23T10:00:00Z ",
        "2026-11-23T10:00Z", "20261123T100000Z", "2026-11-23T10:00:00.Z", "0000-01-01T00:00:00Z",
        "١٩٧٠-01-01T00:00:00Z", "2026-W1-1T10:00:00:Z", "2026-11-23T10:00: 0Z", "2026-11-23T+1:00:00Z",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        times.parse(text)


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - the offset is drawn beside it
    st.integers(-23 * 60, 23 * 60),
)
def test_every_offset_means_the_same_moment(moment: datetime, offset_min: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    assert times.parse(aware.isoformat()) == (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@given(st.integers(times.EARLIEST_US, times.LATEST_US - 1))
def test_the_text_of_a_time_reads_back(time_us: int) -> None:
    assert times.parse(times.text(time_us)) == time_us


@given(st.text(max_size=30))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        times.parse(text)
    except ValueError:
        return
