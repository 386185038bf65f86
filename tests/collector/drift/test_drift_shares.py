"""Cells are named for people."""

from math import inf, nextafter

from tocsin_collector.drift.shares import _shown


def test_an_edge_just_above_zero_is_shown_as_zero():
    assert [_shown(edge) for edge in (nextafter(0.0, inf), -1.0, 1e-9, 0.0)] == ["0", "-1", "1e-09", "0"]
