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
    data = "".join(lines).encode()
    words = data.split()
    rows = parse(data)
    assert [(protocol, state, int(words[place])) for protocol, state, place in rows] == [
        (protocol, state, count) for protocol, states in found.items() for state, count in states.items()
    ]


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    found, error = outcome(parse, data)
    assert error or isinstance(found, list)


@pytest.mark.parametrize("data", [b"TCP inuse 3\n", b"TCP: inuse\n", b"TCP:\n", b"TCP: inuse x\n"])
def test_a_torn_line_is_a_value_error(data):
    with pytest.raises(ValueError, match="expected"):
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


def test_a_protocol_that_takes_anothers_place_is_seen(planted, series, tmp_path):
    source = Sockstat(planted("sockstat"))
    source.read()
    path = tmp_path / "proc/net/sockstat"
    path.write_text(path.read_text().replace("RAW:", "RAW6:"))
    found = {name: value for (name, _), value in series(source.read()).items()}
    assert "node_sockstat_RAW_inuse" not in found
    source.close()
