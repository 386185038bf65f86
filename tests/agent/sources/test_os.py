"""The operating system's name and version."""

import calendar
import datetime as dt
import os
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.os import Os, major_minor, parse, seconds, unquote

LINE = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=20)


@given(LINE)
def test_what_a_shell_quotes_comes_back(value):
    assert unquote('"' + "".join("\\" + c if c in '"$`\\' else c for c in value) + '"').encode() == value.encode()
    if "'" not in value:
        assert unquote(shlex.quote(value)) == value


@given(st.text(max_size=200))
def test_any_text_has_fields(text):
    assert all(name and "\n" not in name for name in parse(text))


def test_comments_and_lines_without_a_value_are_left_out():
    assert parse("# A=1\n\nB\n=3\n C = 'd' \nE=\n") == {"C": "d", "E": ""}


@pytest.mark.parametrize(
    ("version", "number"), [("20.04.2", 20.04), ("12", 12), ("", 0), ("39-beta", 39), ("3.x", 3), ("x.4", 0)]
)
def test_the_number_at_the_beginning_of_a_version(version, number):
    assert major_minor(version) == number


@given(st.dates(min_value=dt.date(1970, 1, 1)))
def test_a_day_in_seconds(day):
    assert seconds(day.isoformat()) == calendar.timegm(day.timetuple())


@pytest.mark.parametrize("date", ["", "tomorrow", "2030-13-01", "2030-05", "1969-01-01", "2030-05-32"])
def test_what_is_no_day_is_unknown(date):
    assert seconds(date) is None


def test_a_file_that_changes_is_read_again_and_one_that_goes_is_gone(planted, series, tmp_path):
    source = Os(planted("os"))
    found = series(source.read())
    assert found["node_os_version", frozenset({("id", "ubuntu"), ("id_like", "debian  linux"), ("name", "Ubuntu")})]
    assert found["node_os_support_end_timestamp_seconds", frozenset()] == 1906416000
    path = tmp_path / "rootfs/etc/os-release"
    path.write_bytes(b'NAME="\xff\xfe"\n')
    os.utime(path, (1, 1))
    (key,) = series(source.read())
    assert dict(key[1])["name"] == "\ufffd\ufffd"
    path.unlink()
    assert source.read() == b""
    source.close()


def test_an_upgrade_that_swaps_a_link_is_seen(planted, series, tmp_path):
    source = Os(planted("os.rolling"))
    (key,) = series(source.read())
    assert dict(key[1])["id"] == "arch"
    (tmp_path / "rootfs/etc").mkdir()
    (tmp_path / "rootfs/etc/os-release").write_text("ID=other\n")
    (key,) = series(source.read())
    assert dict(key[1])["id"] == "other"
