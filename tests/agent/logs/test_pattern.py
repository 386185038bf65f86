import fnmatch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_agent.logs.pattern import find, matches


@settings(max_examples=400)
@given(st.text("ab-].x", max_size=8), st.text("ab*?[]!-.x", max_size=8))
def test_a_name_matches_as_the_standard_library_says(name, pattern):
    if name.startswith("."):
        return
    assert matches(name, pattern) == fnmatch.fnmatchcase(name, pattern)


@pytest.mark.timeout(5)
def test_a_hostile_pattern_takes_no_exponential_time():
    assert not matches("a" * 200, "*a" * 50 + "b")


@pytest.fixture
def tree(tmp_path):
    for name in ("app.log", "app.log.1", "app.log.2.gz", ".hidden.log", "sub/app.log", "sub/deep/app.log", "sub/x.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("app.log", ["app.log"]),
        ("app.log*", ["app.log", "app.log.1"]),
        ("*.log", ["app.log"]),
        (".h*", [".hidden.log"]),
        ("*/*.log", ["sub/app.log"]),
        ("**/*.log", ["app.log", "sub/app.log", "sub/deep/app.log"]),
        ("s?b/d[a-f]ep/app.log", ["sub/deep/app.log"]),
        ("absent/*.log", []),
    ],
)
def test_files_are_found_by_pattern(tree, pattern, expected):
    assert sorted(entry.path.removeprefix(f"{tree}/") for entry in find(f"{tree}/{pattern}")) == expected
