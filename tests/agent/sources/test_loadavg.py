"""Load averages."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.loadavg import Loadavg, parse


def test_recorded_host(host, series):
    found = series(Loadavg(host("server_4.14")).read())
    assert {name: value for (name, _), value in found.items()} == {
        "node_load1": 0.21,
        "node_load5": 0.37,
        "node_load15": 0.39,
    }


@given(st.binary(max_size=60))
def test_anything_else_is_a_value_error(outcome, data):
    found, error = outcome(parse, data)
    assert "three load averages expected" in error if error else [float(value) >= 0 for value in found] == [True] * 3
