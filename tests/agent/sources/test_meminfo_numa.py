"""Memory of the NUMA nodes."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.meminfo_numa import MeminfoNuma, parse_meminfo, parse_numastat

WORD = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=9)
COUNTS = st.dictionaries(WORD, st.integers(0, 2**50), max_size=5)


@given(COUNTS, st.booleans())
def test_every_field_comes_out_in_its_base_unit(fields, kilobytes):
    lines = [f"Node 0 {name}:   {value}{' kB' if kilobytes else ''}\n" for name, value in fields.items()]
    unit = 1024 if kilobytes else 1
    assert parse_meminfo("".join(lines).encode()) == {name: value * unit for name, value in fields.items()}


@given(COUNTS)
def test_every_counter_comes_out(fields):
    assert parse_numastat("".join(f"{name} {value}\n" for name, value in fields.items()).encode()) == fields


@given(st.binary(max_size=100))
def test_anything_else_is_a_value_error(outcome, data):
    for parser in (parse_meminfo, parse_numastat):
        found, error = outcome(parser, data)
        assert error or isinstance(found, dict)


@pytest.mark.parametrize("line", [b"Node 0 MemTotal: 5 MB\n", b"Node 0 MemTotal:\n", b"MemTotal: 5 kB\n"])
def test_a_torn_line_is_a_value_error(line):
    with pytest.raises(ValueError, match="a line of a node, a field and a size expected"):
        parse_meminfo(line)


def nodes(found, name: str) -> dict[str, float]:
    return {dict(labels)["node"]: value for (metric, labels), value in found.items() if metric == name}


def test_a_node_that_is_plugged_in_and_one_that_goes(planted, series, tmp_path):
    source = MeminfoNuma(planted("meminfo_numa"))
    assert nodes(series(source.read()), "node_memory_numa_MemTotal") == {"0": 134182340 * 1024, "1": 134217728 * 1024}
    folder = tmp_path / "sys/devices/system/node"
    shutil.copytree(folder / "node1", folder / "node10")
    assert set(nodes(series(source.read()), "node_memory_numa_numa_hit_total")) == {"0", "1", "10"}
    shutil.rmtree(folder / "node1")
    assert set(nodes(series(source.read()), "node_memory_numa_MemFree")) == {"0", "10"}
    source.close()


def test_a_host_without_nodes_has_nothing(planted, tmp_path):
    assert MeminfoNuma(planted("meminfo_numa") | {"sysfs": str(tmp_path / "none")}).read() == b""
