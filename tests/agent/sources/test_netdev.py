"""Network devices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.netdev import Netdev, parse

HEADING = b"Inter-|   Receive\n face |bytes\n"
NAMES = st.text(
    st.characters(
        codec="utf-8", exclude_characters=":/ \n\t\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0", exclude_categories=["Z", "C"]
    ),
    min_size=1,
    max_size=15,
)
ROWS = st.dictionaries(NAMES, st.lists(st.integers(0, 2**64), min_size=16, max_size=16), max_size=5)


@given(ROWS)
def test_every_device_and_counter_comes_out(rows):
    lines = [f"{name:>6}:{' '.join(map(str, row))}\n".encode() for name, row in rows.items()]
    names, values = parse(HEADING + b"".join(lines))
    assert names == [name.encode() for name in rows]
    assert values == [[b"%d" % value for value in row] for row in rows.values()]


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match="expected"):
        parse(data)


@pytest.mark.parametrize(
    "line", [b"eth0: 1 2 3\n", b"eth0 1\n", b": " + b"1 " * 16 + b"\n", b"eth0: " + b"x " * 16 + b"\n"]
)
def test_a_torn_row_is_a_value_error(line):
    with pytest.raises(ValueError, match="a device and 16 counters expected"):
        parse(HEADING + line)


def test_counters_glued_to_the_name_and_a_proc_that_hides_the_first_process(host, series):
    source = Netdev(host("server_4.14"))
    found = series(source.read())
    assert found["node_network_receive_bytes_total", frozenset({("device", "eth0")})] == 68210035552
    assert found["node_network_transmit_packets_total", frozenset({("device", "lo")})] == 1832522
    assert len(found) == 3 * 16
    source.close()


def test_devices_come_and_go(host, series, tmp_path):
    source = Netdev(host("server_4.14"))
    source.read()
    path = tmp_path / "proc/net/dev"
    row = path.read_bytes().splitlines(keepends=True)[-1]
    path.write_bytes(path.read_bytes().replace(b"vethf345468", b'cali"1%d\\x\xff') + b"\xfe" + row[row.index(b":") :])
    devices = {dict(labels)["device"] for _, labels in series(source.read())}
    assert devices == {"lo", "eth0", 'cali"1%d\\x\\xff', "\\xfe"}
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert source.read() == b""
    source.close()


def test_a_missing_file_is_an_os_error(host, tmp_path):
    source = Netdev(host("server_4.14"))
    (tmp_path / "proc/net/dev").unlink()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            source.read()


def test_sixty_six_devices(big_host, series):
    assert len(series(Netdev(big_host).read())) == 66 * 16
