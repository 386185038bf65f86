"""Files of the kernel."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.kernelfile import LIMIT, KernelFile, OptionalFile, integer, numbered, signed, text


def test_a_real_file_of_many_records_comes_whole():
    """One pread of /proc/self/maps gives about a page of it."""
    file = KernelFile("/proc/self/maps")
    data = file.read()
    first = os.pread(file.fileno(), 1 << 20, 0)
    file.close()
    assert len(first) < 8192 < len(data)
    assert data.endswith(b"[vsyscall]\n") or data.count(b"\n") > first.count(b"\n")
    assert all(b"-" in line.split()[0] for line in data.splitlines())


def test_each_read_begins_at_the_start_on_the_same_descriptor(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"one")
    file = KernelFile(str(tmp_path / "f"))
    assert file.read() == b"one"
    descriptor = file.fileno()
    (tmp_path / "f").write_bytes(b"another")
    assert (file.read(), file.fileno()) == (b"another", descriptor)
    file.close()
    assert file.fileno() == -1


def test_a_file_may_come_late(tmp_path: Path):
    file = KernelFile(str(tmp_path / "f"))
    with pytest.raises(FileNotFoundError):
        file.read()
    (tmp_path / "f").write_bytes(b"now")
    assert file.read() == b"now"
    file.close()


def test_a_file_without_end_is_an_error_and_its_descriptor_is_closed():
    file = KernelFile("/dev/zero")
    with pytest.raises(OSError, match=str(LIMIT)):
        file.read()
    assert file.fileno() == -1


def test_a_read_may_stop_at_the_call_that_gave_enough():
    file = KernelFile("/proc/self/maps")
    whole = file.read()
    assert len(file.read(whole[:8])) < 8192 < len(whole)
    assert len(file.read(b"not in there")) > 8192
    file.close()


def test_an_empty_file_is_empty(tmp_path: Path):
    (tmp_path / "f").touch()
    file = KernelFile(str(tmp_path / "f"))
    assert file.read() == b""
    file.close()


def test_one_count():
    assert integer(b" 42\n") == b"42"
    for data in (b"", b"4 2", b"-1", b"x"):
        with pytest.raises(ValueError, match="one count expected"):
            integer(data)


def test_a_small_file_as_text(tmp_path: Path):
    (tmp_path / "f").write_bytes(b"a\xff\n")
    assert text(str(tmp_path / "f")) == "a\ufffd"
    assert text(str(tmp_path / "missing")) == ""


def test_an_optional_file_is_looked_for_again_only_after_a_while(tmp_path: Path):
    file = OptionalFile(str(tmp_path / "later"))
    assert file.read() == b""
    (tmp_path / "later").write_bytes(b"here")
    assert file.read() == b""
    file._look_at = 1.0  # half a minute later
    assert file.read() == b"here"
    (tmp_path / "later").unlink()
    assert file.read() == b"here", "the kept descriptor still reads it"
    file.close()
    assert file.read() == b""


def test_an_optional_file_that_cannot_be_read_is_an_error(tmp_path: Path):
    with pytest.raises(IsADirectoryError):
        OptionalFile(str(tmp_path)).read()


@pytest.mark.parametrize(("data", "found"), [(b"-4\n", b"-4"), (b" 17 ", b"17")])
def test_a_signed_number(data, found):
    assert signed(data) == found


@pytest.mark.parametrize("data", [b"", b"-", b"--4", b"4-", b"1 2", b"x"])
def test_what_is_no_signed_number_is_a_value_error(data):
    with pytest.raises(ValueError, match="one whole number expected"):
        signed(data)


@given(st.sets(st.integers(0, 300), max_size=8))
def test_numbers_come_in_order_and_nothing_else(tmp_path_factory, numbers):
    folder = tmp_path_factory.mktemp("mc")
    for name in [*(f"mc{number}" for number in numbers), "mc", "mcx", "power", "mc1a"]:
        (folder / name).mkdir()
    assert numbered(str(folder), "mc") == [str(number) for number in sorted(numbers)]


def test_a_folder_that_is_not_there_has_no_numbers(tmp_path: Path):
    assert numbered(str(tmp_path / "none"), "mc") == []
