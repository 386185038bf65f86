"""The NFS client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.nfs import METHODS, Nfs, parse, requests

LEAST = b"net 1 2 3 4\nrpc 5 6 7\n"


@given(st.sampled_from(sorted(METHODS)), st.lists(st.integers(0, 2**64 - 1), max_size=80))
def test_a_kernel_may_have_fewer_procedures_or_more(version, counts):
    line = " ".join([f"proc{version}", str(len(counts)), *map(str, counts)])
    found = requests(parse(LEAST + line.encode() + b"\n"), METHODS)
    start = sum(len(names.split()) for other, names in METHODS.items() if other < version)
    wanted = len(METHODS[version].split())
    there = [int(value) for value in found[start : start + wanted]]
    assert there == (counts + [0] * wanted)[:wanted]
    assert len(found) == sum(len(names.split()) for names in METHODS.values())


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match="expected"):
        parse(data)


@pytest.mark.parametrize("data", [b"net 1 2 3\nrpc 1 2 3\n", b"net 1 2 3 4\n", LEAST + b"proc3 1 x\n", LEAST + b"\n"])
def test_a_torn_file_is_a_value_error(data):
    with pytest.raises(ValueError, match="expected"):
        parse(data)


def test_recorded_client(planted, series):
    source = Nfs(planted("nfs"))
    found = series(source.read())
    assert found["node_nfs_requests_total", frozenset({("proto", "4"), ("method", "LayoutGet")})] == 35
    assert found["node_nfs_requests_total", frozenset({("proto", "3"), ("method", "Commit")})] == 39
    assert found["node_nfs_packets_total", frozenset({("protocol", "tcp")})] == 18630
    source.close()


def test_a_host_without_the_client_has_nothing(planted):
    assert Nfs(planted("nfs.absent")).read() == b""
