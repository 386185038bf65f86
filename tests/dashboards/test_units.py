"""Values read as Grafana writes them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_dashboards.units import UNITS, text

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "shown"),
    [
        (0.934, "percentunit", None, "93.4%"),
        (1, "percentunit", 1, "100.0%"),
        (0, "percentunit", None, "0%"),
        (1536, "bytes", None, "1.50 KiB"),
        (0, "bytes", None, "0 B"),
        (80 * 2**30, "bytes", None, "80 GiB"),
        (25_000_000, "Bps", None, "25 MB/s"),
        (0.0042, "s", None, "4.20 ms"),
        (0.00000123, "s", None, "1.23 µs"),
        (0, "s", None, "0 s"),
        (90, "s", None, "1.50 mins"),
        (7_200, "dtdurations", 0, "2 hours"),
        (-90, "s", None, "-1.50 mins"),
        (1_500, "short", None, "1.50 K"),
        (3, "short", 0, "3"),
        (12.5, "reqps", None, "12.5 req/s"),
        (1_500, "watt", None, "1.50 kW"),
        (61, "celsius", None, "61 °C"),
        (0.3624, "none", 2, "0.36"),
        (1386219600000, "dateTimeAsIso", None, "2013-12-05 05:00:00"),
        (math.nan, "short", None, "NaN"),
        (math.inf, "s", None, "∞"),
        (-math.inf, "bytes", None, "-∞"),
    ],
)
def test_a_value_in_its_unit(value, unit, decimals, shown):
    assert text(value, unit, decimals) == shown


@given(value=FINITE, unit=st.sampled_from(sorted(UNITS - {"dateTimeAsIso"})), decimals=st.none() | st.integers(0, 4))
def test_every_number_has_a_text(value, unit, decimals):
    assert text(value, unit, decimals)


@given(value=st.floats(1e-9, 1e12), unit=st.sampled_from(["short", "bytes", "s", "percentunit", "none"]))
def test_a_value_that_is_something_is_not_shown_as_nothing(value, unit):
    assert any(digit in text(value, unit) for digit in "123456789")
