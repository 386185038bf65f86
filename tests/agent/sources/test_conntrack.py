"""The table of connections."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.conntrack import Conntrack, places, sums
from tocsin_schema.metrics.conntrack import STATS

COUNTS = st.lists(st.integers(0, 2**32 - 1), min_size=len(STATS), max_size=len(STATS))


@given(st.lists(COUNTS, min_size=1, max_size=5), st.permutations(list(STATS)))
def test_the_columns_are_summed_wherever_they_stand(rows, order):
    data = "".join("00000001 " + " ".join(f"{n:08x}" for n in row) + "\n" for row in rows)
    found = sums(data.encode(), *places(("entries " + " ".join(order)).encode(), tuple(STATS)))
    wanted = {name: sum(row[index] for row in rows) for index, name in enumerate(order)}
    assert dict(zip(STATS, found, strict=True)) == wanted


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    with pytest.raises(ValueError, match="expected"):
        places(data, tuple(STATS))
    found, error = outcome(sums, data, 17, [1, 2])
    assert error or len(found) == 2


def test_a_torn_row_is_a_value_error():
    with pytest.raises(ValueError, match="a row of 3 counts a CPU expected"):
        sums(b"0 1 2\n0 1\n", 3, [1])


def test_recorded_router(planted, series):
    source = Conntrack(planted("conntrack"))
    found = {name: value for (name, _), value in series(source.read()).items()}
    assert found["node_nf_conntrack_stat_found"] == 2**32
    assert found["node_nf_conntrack_entries"] == 123
    assert len(found) == 10
    source.close()


def test_a_kernel_without_the_statistics_has_the_sizes(planted, series, tmp_path):
    values = planted("conntrack")
    (tmp_path / "proc/net/stat/nf_conntrack").unlink()
    assert len(series(Conntrack(values).read())) == 2


def test_a_kernel_without_the_module_has_nothing(planted):
    assert Conntrack(planted("conntrack.unloaded")).read() == b""


def test_the_summary_has_what_goes_wrong(planted, series):
    found = series(Conntrack(planted("conntrack") | {"profile": "summary"}).read())
    assert found["node_nf_conntrack_stat_insert_failed", frozenset()] == 15
    assert len(found) == 5
