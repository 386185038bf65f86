"""Bodies made small."""

import gzip as library
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.httpd.compress import _bound, blocks, gzip, zstd


@given(st.lists(st.tuples(st.binary(max_size=900), st.booleans()), max_size=9))
def test_gzip_comes_back_whichever_pieces_are_compressed_already(pieces):
    packed = gzip([(piece, blocks(piece) if known else b"") for piece, known in pieces])
    assert library.decompress(packed) == b"".join([piece for piece, _ in pieces])


@pytest.mark.parametrize("body", [b"", b"node_load1 1\n" * 40_000, bytes(range(256)) * 7])
def test_zstd_is_read_by_its_own_tool(body):
    pack = zstd()
    assert pack is not None, "libzstd.so.1 is on every Debian: dpkg needs it"
    packed = pack(body)
    assert len(packed) < len(body) / 20 + 64 or len(set(body)) == 256
    assert subprocess.run(["zstd", "-dc"], input=packed, capture_output=True, check=True).stdout == body


def test_a_host_without_libzstd_has_no_zstd():
    assert _bound("libnosuchzstd.so.9") is None
