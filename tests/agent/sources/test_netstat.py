"""Counters of the network protocols."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.netstat import Netstat, matched, parse, parse6, picks, picks6

WORD = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=9)
COUNT = st.integers(-1, 2**64 - 1)


@given(st.dictionaries(WORD, st.dictionaries(WORD, COUNT, min_size=1, max_size=4), max_size=4))
def test_every_protocol_and_field_comes_out(found):
    lines = []
    for protocol, fields in found.items():
        lines += [f"{protocol}: {' '.join(fields)}\n", f"{protocol}: {' '.join(map(str, fields.values()))}\n"]
    heads, rows = parse("".join(lines).encode())
    matched(heads, rows)
    assert [head.decode() for head in heads] == [line.rstrip("\n") for line in lines[::2]]
    assert [[int(value) for value in row[1:]] for row in rows] == [list(fields.values()) for fields in found.values()]


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    for parser in (lambda data: matched(*parse(data)), parse6):
        _, error = outcome(parser, data)
        assert not error or "expected" in error


@pytest.mark.parametrize(
    "data",
    [
        b"Tcp: A B\nTcp: 1\n",
        b"Tcp: A\nUdp: 1\n",
        b"Tcp: A\n",
        b"Tcp: A\nTcp: 1",
        b"Tcp A\nTcp 1\n",
        b"TcpExt: A\nTcp: 1\n",
    ],
)
def test_a_torn_table_is_a_value_error(data):
    with pytest.raises(ValueError, match="expected"):
        matched(*parse(data))


def test_only_what_the_catalogue_has_is_picked():
    assert picks([b"Tcp: RtoMin ActiveOpens", b"Nobody: InErrs"]) == [(0, 2, "Tcp_ActiveOpens")]
    assert picks6([b"Ip6InOctets", b"Udp6InErrors", b"UdpLite6InErrors", b"InOctets"]) == [
        (0, "Ip6_InOctets"),
        (1, "Udp6_InErrors"),
        (2, "UdpLite6_InErrors"),
    ]


def test_a_recorded_host_without_ipv6_gives_what_it_has(planted, series):
    source = Netstat(planted("netstat.ipv4_only"))
    found = {name: value for (name, _), value in series(source.read()).items()}
    assert found["node_netstat_Tcp_PassiveOpens"] == 4294967296
    assert found["node_netstat_TcpExt_ListenDrops"] == 6
    assert not [name for name in found if "6_" in name]
    source.close()


def test_fields_come_and_go_with_a_module(planted, series, tmp_path):
    source = Netstat(planted("netstat.ipv4_only"))
    before = len(series(source.read()))
    path = tmp_path / "proc/net/snmp"
    path.write_text(path.read_text() + "UdpLite: InDatagrams InErrors\nUdpLite: 1 2\n")
    found = series(source.read())
    assert len(found) == before + 1
    assert found["node_netstat_UdpLite_InErrors", frozenset()] == 2
    source.close()


def test_the_first_process_namespace_is_read_where_it_can_be(planted, series, tmp_path):
    values = planted("netstat.ipv4_only")
    (tmp_path / "proc/1").mkdir()
    (tmp_path / "proc/net").rename(tmp_path / "proc/1/net")
    assert series(Netstat(values).read())["node_netstat_Ip_Forwarding", frozenset()] == 1


def test_a_value_that_is_no_count_is_a_value_error(planted, tmp_path):
    source = Netstat(planted("netstat.ipv4_only"))
    path = tmp_path / "proc/net/netstat"
    path.write_text(path.read_text().replace("1 2 3 4 5 6", "1 2 x 4 5 6"))
    with pytest.raises(ValueError, match="counters expected"):
        source.read()


def test_a_missing_file_is_an_os_error(planted, tmp_path):
    source = Netstat(planted("netstat.ipv4_only"))
    (tmp_path / "proc/net/snmp").unlink()
    with pytest.raises(FileNotFoundError):
        source.read()


def test_a_row_that_is_torn_later_is_a_value_error(planted, tmp_path):
    source = Netstat(planted("netstat.ipv4_only"))
    source.read()
    path = tmp_path / "proc/net/netstat"
    path.write_text(path.read_text().replace("1 2 3 4 5 6", "1 2 3 4"))
    with pytest.raises(ValueError, match="a value for each name expected"):
        source.read()
