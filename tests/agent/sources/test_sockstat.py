"""Sockets in use."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.sockstat import Sockstat, parse

WORD = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=9)


@given(st.dictionaries(WORD, st.dictionaries(WORD, st.integers(), min_size=1, max_size=4), max_size=4))
def test_every_protocol_and_state_comes_out(found):
    lines = [f"{protocol}: {' '.join(f'{k} {v}' for k, v in states.items())}\n" for protocol, states in found.items()]
    assert parse("".join(lines).encode()) == found


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    found, _ = outcome(parse, data)
    assert found is None or isinstance(found, dict)


@pytest.mark.parametrize("data", [b"TCP inuse 3\n", b"TCP: inuse\n", b"TCP:\n", b"TCP: inuse x\n"])
def test_a_torn_line_is_a_value_error(data):
    with pytest.raises(ValueError, match=r"expected|invalid literal"):
        parse(data)


def test_memory_is_in_pages_and_in_bytes(planted, series):
    source = Sockstat(planted("sockstat"))
    found = {name: value for (name, _), value in series(source.read()).items()}
    assert found["node_sockstat_UDP_mem"] == 5
    assert found["node_sockstat_UDP_mem_bytes"] == 5 * os.sysconf("SC_PAGE_SIZE")
    assert found["node_sockstat_sockets_used"] == 229
    assert found["node_sockstat_TCP6_inuse"] == 17
    assert len(found) == 20
    source.close()


def test_a_host_without_any_protocol_has_nothing_to_tell(planted, tmp_path):
    values = planted("sockstat")
    for name in ("sockstat", "sockstat6"):
        (tmp_path / "proc/net" / name).unlink()
    assert Sockstat(values).read() == b""
