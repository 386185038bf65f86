"""What the demo keeps between two starts."""

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_demo import cache


def numbers() -> cache.Arrays:
    return {"a": np.arange(50), "b": np.linspace(0, 1, 7)}


def never() -> cache.Arrays:
    raise AssertionError("it was to be found in the cache")


def test_a_second_call_does_not_build(tmp_path: Path) -> None:
    built = cache.arrays(tmp_path / "deep" / "x", "k", numbers)
    found = cache.arrays(tmp_path / "deep" / "x", "k", never)
    assert all(np.array_equal(built[name], found[name]) for name in ("a", "b"))
    assert set(found) == {"a", "b"}


def test_another_key_builds_again(tmp_path: Path) -> None:
    cache.arrays(tmp_path / "x", "old", numbers)
    found = cache.arrays(tmp_path / "x", "new", lambda: {"c": np.zeros(1)})
    assert set(found) == {"c"}
    assert set(cache.arrays(tmp_path / "x", "new", never)) == {"c"}


@settings(max_examples=40, deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_never_changes_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, where: float, bit: int
) -> None:
    path = tmp_path_factory.mktemp("flip") / "x"
    cache.arrays(path, "k", numbers)
    raw = bytearray(path.read_bytes())
    raw[int(where * len(raw))] ^= 1 << bit
    path.write_bytes(raw)
    found = cache.arrays(path, "k", numbers)
    assert set(found) == {"a", "b"}
    assert all(np.array_equal(found[name], value) for name, value in numbers().items())


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_truncated_file_is_built_again(tmp_path: Path, left: int) -> None:
    path = tmp_path / "x"
    cache.arrays(path, "k", numbers)
    path.write_bytes(path.read_bytes()[:left])
    cache.arrays(path, "k", numbers)
    assert set(cache.arrays(path, "k", never)) == {"a", "b"}


def test_a_folder_that_cannot_be_written_costs_the_cache_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    found = cache.arrays(tmp_path / "file" / "x", "k", numbers)
    assert set(found) == {"a", "b"}
    assert "tocsin_demo_cache_not_written" in capsys.readouterr().err


def test_two_that_start_together_build_once(tmp_path: Path) -> None:
    building, go, count = threading.Event(), threading.Event(), []

    def build() -> cache.Arrays:
        count.append(1)
        building.set()
        assert go.wait(10)
        return numbers()

    both = [threading.Thread(target=cache.arrays, args=(tmp_path / "x", "k", build)) for _ in range(2)]
    both[0].start()
    assert building.wait(10)
    both[1].start()
    go.set()
    for thread in both:
        thread.join(10)
    assert len(count) == 1


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), cache.replacing(path) as part:
        part.write_text(f"half {1 / 0}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
