"""Open files of the host."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.filefd import Filefd, parse


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_the_first_and_the_third_count(used, most):
    assert parse(b"%d\t0\t%d\n" % (used, most)) == (b"%d" % used, b"%d" % most)


@given(st.binary(max_size=60).filter(lambda data: not data.replace(b"\t", b"").strip().isdigit()))
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match="three counts expected"):
        parse(data)


def test_recorded_host(planted, series):
    source = Filefd(planted("filefd"))
    assert {name: value for (name, _), value in series(source.read()).items()} == {
        "node_filefd_allocated": 1024,
        "node_filefd_maximum": 2**63 - 1,
    }
    source.close()
