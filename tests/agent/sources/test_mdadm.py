"""Software RAID."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.mdadm import Mdadm, parse

NAME = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=9).map("md".__add__)


@given(NAME, st.integers(0, 2**60), st.integers(0, 64), st.integers(0, 64))
def test_name_size_and_disks_come_out(name, blocks, required, active):
    (found,) = parse(f"{name} : active raid5 a[0] b[1](F)\n  {blocks} blocks [{required}/{active}] [UU]\n".encode())
    assert (found.name, found.blocks, found.synced, found.required, found.active, found.failed) == (
        name, blocks, blocks, required, active, 1,
    )  # fmt: skip


@given(st.binary(max_size=200))
def test_anything_else_is_a_value_error(outcome, data):
    found, error = outcome(parse, data)
    assert "expected" in error if error else isinstance(found, list)


@pytest.mark.parametrize(
    "data",
    [
        b"md0 : active raid1 a[0]\n",
        b"md0 : active raid1 a[0]\n  x blocks [2/2] [UU]\n",
        b"md0 : active raid1 a[0]\n  5 blocks\n",
        b"md0\n  5 blocks [2/2]\n",
        b"  5 blocks [2/2]\n",
    ],
)
def test_a_torn_array_is_a_value_error(data):
    with pytest.raises(ValueError, match="expected"):
        parse(data)


@pytest.mark.parametrize(
    ("line", "state", "synced"),
    [
        ("[>...]  recovery =  8.5% (7/100) finish=17.0min speed=1K/sec", "recovering", 7),
        ("[>...]  resync =  8.5% (8/100) finish=17.0min speed=1K/sec", "resync", 8),
        ("[>...]  check =  8.5% (9/100) finish=0.2min speed=1K/sec", "check", 9),
        ("resync=PENDING", "resync", 0),
        ("resync=DELAYED", "resync", 0),
        ("bitmap: 0/30 pages [0KB], 65536KB chunk", "active", 100),
    ],
)
def test_work_that_goes_on(line, state, synced):
    for above in ("", "  bitmap: 1/2 pages [4KB], 8KB chunk\n"):
        (found,) = parse(f"md0 : active raid1 a[0] b[1]\n  100 blocks [2/2] [UU]\n{above}  {line}\n".encode())
        assert (found.state, found.synced) == (state, synced)


def test_an_array_that_is_taken_apart_is_gone(planted, series, tmp_path):
    source = Mdadm(planted("mdadm"))
    assert len(series(source.read())) == 18 * 11
    (tmp_path / "proc/mdstat").write_text("Personalities : [raid1]\nunused devices: <none>\n")
    assert source.read() == b""
    source.close()


def test_a_host_without_software_raid_has_nothing(planted):
    assert Mdadm(planted("mdadm.absent")).read() == b""
