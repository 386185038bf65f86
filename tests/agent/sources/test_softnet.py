"""The receive queues."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.softnet import CPU, Softnet, counts, parse

WIDTHS = (9, 10, 11, 13, 15)


@given(st.data(), st.sampled_from(WIDTHS), st.integers(1, 5))
def test_every_kernels_columns_come_out(data, width, count):
    row = st.lists(st.integers(0, 2**32 - 1), min_size=width, max_size=width)
    rows = data.draw(st.lists(row, min_size=count, max_size=count))
    cpus, columns = parse("".join(" ".join(f"{n:08x}" for n in row) + "\n" for row in rows).encode())
    assert counts(cpus) == [row[CPU] if width > CPU else index for index, row in enumerate(rows)]
    wanted = (0, 1, 2, 8, 9, 10, 11)
    assert list(map(counts, columns)) == [[row[column] if column < width else 0 for row in rows] for column in wanted]


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    found, error = outcome(lambda: [counts(column) for column in parse(data)[1]])
    assert found or error


@pytest.mark.parametrize("data", [b"", b"1 2 3\n", b"0 0 0 0 0 0 0 0 0\n0 0\n"])
def test_a_torn_table_is_a_value_error(data):
    with pytest.raises(ValueError, match="at least 9 columns expected"):
        parse(data)


def test_an_offline_cpu_keeps_its_number_free(planted, series, tmp_path):
    source = Softnet(planted("softnet"))
    found = series(source.read())
    assert found["node_softnet_dropped_total", frozenset({("cpu", "2")})] == 1
    assert len(found) == 2 * 7
    path = tmp_path / "proc/net/softnet_stat"
    path.write_text(path.read_text().splitlines(keepends=True)[1])
    assert {dict(labels)["cpu"] for _, labels in series(source.read())} == {"2"}
    source.close()
