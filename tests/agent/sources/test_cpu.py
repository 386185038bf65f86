"""CPUs: /proc/stat's columns and the counters that must not fall."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.cpu import MODES, Cpu, Rising, by_family, parse, ranges

TICKS = st.integers(0, 2**64 - 1)


def stat(rows: dict[int, list[int]]) -> bytes:
    lines = ["cpu  " + " ".join(["0"] * 10)]
    lines += [f"cpu{cpu} " + " ".join(map(str, columns)) for cpu, columns in rows.items()]
    return ("\n".join(lines) + "\nintr 12 0 0\nctxt 5\n").encode()


@given(st.dictionaries(st.integers(0, 9000), st.lists(TICKS, min_size=10, max_size=10), min_size=1, max_size=5))
def test_every_column_of_every_cpu_comes_out(rows):
    names, values = parse(stat(rows))
    assert names == [b"cpu%d" % cpu for cpu in rows]
    assert values == [b"%d" % ticks for columns in rows.values() for ticks in columns]
    ordered = by_family(list(values))
    width = len(MODES)
    for index, columns in enumerate(rows.values()):
        assert ordered[index * width : (index + 1) * width] == [b"%d" % ticks for ticks in columns[:8]]
        assert ordered[len(rows) * width + index] == b"%d" % columns[8]
        assert ordered[len(rows) * (width + 1) + index] == b"%d" % columns[9]


@given(st.binary(max_size=300))
def test_anything_else_is_a_value_error(data):
    with pytest.raises(ValueError, match="cpu"):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"cpu 1 2 3\n",
        b"cpu  1 2 3 4 5 6 7 8 9 10\nintr 1\n",
        b"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9\nintr 1\n",
        b"cpu  1 2 3 4 5 6 7\ncpu0 1 2 3 4 5 6 7\nintr 1\n",
        b"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4 -5 6 7 8 9 10\nintr 1\n",
        b"cpu  1 2 3 4 5 6 7 8 9 10\nxpu0 1 2 3 4 5 6 7 8 9 10\nintr 1\n",
    ],
)
def test_a_torn_file_is_a_value_error(data):
    with pytest.raises(ValueError, match="ten counters expected"):
        parse(data)


def test_columns_of_a_later_kernel_are_ignored():
    rows = (
        b"cpu  1 2 3 4 5 6 7 8 9 10 11\ncpu0 1 2 3 4 5 6 7 8 9 10 11\ncpu1 21 22 23 24 25 26 27 28 29 30 31\nintr 1\n"
    )
    assert parse(rows)[1] == [b"%d" % n for n in [*range(1, 11), *range(21, 31)]]


@pytest.mark.parametrize("guests", ["", " 9"])
def test_guests_that_an_old_kernel_does_not_count_are_none(guests):
    rows = "".join(f"{name} 1 2 3 4 5 6 7 8{guests}\n" for name in ("cpu ", "cpu0", "cpu1"))
    names, values = parse(rows.encode() + b"intr 1\n")
    assert (names, values) == (
        [b"cpu0", b"cpu1"],
        [b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"8", guests.strip().encode() or b"0", b"0"] * 2,
    )


def test_idle_that_falls_a_little_stays_and_a_lot_is_taken():
    rising = Rising(3)
    for ticks, shown in ((1000, 1000), (999, 1000), (1001, 1001), (700, 700), (701, 701)):
        values = [b"0", b"0", b"0", b"%d" % ticks, b"0", b"0", b"0", b"0"]
        rising.hold(values)
        assert values[3] == b"%d" % shown
        assert len(values) == len(MODES)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("0-3", [0, 1, 2, 3]), ("0,2,7-8", [0, 2, 7, 8]), ("", []), ("x-3", []), ("5-", []), ("9-2", [])],
)
def test_a_kernel_list_becomes_numbers(text, numbers):
    assert ranges(text) == numbers if text != "5-" else ranges(text) == [5]


def test_a_hostile_kernel_list_stays_small():
    assert len(ranges("0-99999999999,0-99999999999")) <= 8192


def test_recorded_host_gives_seconds(host, series):
    found = series(Cpu(host("vm_6.18")).read())
    assert found["node_cpu_seconds_total", frozenset({("cpu", "0"), ("mode", "user")})] == 381.78
    assert found["node_cpu_seconds_total", frozenset({("cpu", "1"), ("mode", "steal")})] == 1.44
    assert found["node_cpu_online", frozenset({("cpu", "1")})] == 1
    assert len(found) == 2 * 10 + 2


def test_a_cpu_that_goes_offline_loses_its_series(host, series, tmp_path: Path):
    source = Cpu(host("vm_6.18"))
    source.read()
    lines = (tmp_path / "proc/stat").read_bytes().splitlines(keepends=True)
    (tmp_path / "proc/stat").write_bytes(b"".join(lines[:2] + lines[3:]))
    (tmp_path / "sys/devices/system/cpu/online").write_text("0\n")
    source._stat._read_at = -1  # the shared read is kept for 50 ms
    found = series(source.read())
    source.close()
    assert {dict(labels)["cpu"] for name, labels in found if name != "node_cpu_online"} == {"0"}
    assert found["node_cpu_online", frozenset({("cpu", "1")})] == 0


def test_offline_numbers_keep_their_place(host, series):
    found = series(Cpu(host("server_4.14")).read())
    assert found["node_cpu_seconds_total", frozenset({("cpu", "3"), ("mode", "user")})] == 200
    assert found["node_cpu_guest_seconds_total", frozenset({("cpu", "0"), ("mode", "nice")})] == 0.05
    assert not any(name == "node_cpu_online" for name, _ in found)


def test_isolated_cpus_are_told(host, series, tmp_path: Path):
    values = host("vm_6.18")
    (tmp_path / "sys/devices/system/cpu/isolated").write_text("1\n")
    found = series(Cpu(values).read())
    assert {labels: value for (name, labels), value in found.items() if name == "node_cpu_isolated"} == {
        frozenset({("cpu", "1")}): 1
    }


def test_a_big_host_counts_each_core_and_package_once(big_host, series):
    source = Cpu(big_host)
    found = series(source.read())
    source.close()
    cores = {labels: value for (name, labels), value in found.items() if name == "node_cpu_core_throttles_total"}
    assert len(cores) == 112
    assert cores[frozenset({("package", "1"), ("core", "5")})] == 61
    assert sum(name == "node_cpu_package_throttles_total" for name, _ in found) == 2
    assert sum(name == "node_cpu_seconds_total" for name, _ in found) == 224 * 8
