"""The host's name and kernel."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.sources.uname import Uname, parse


def test_recorded_host(host, series):
    ((name, labels),) = series(Uname(host("server_4.14")).read())
    assert (name, dict(labels)["domainname"]) == ("node_uname_info", "(none)")
    assert dict(labels)["nodename"] == os.uname().nodename


def test_a_container_tells_the_name_that_it_is_given(host, series):
    ((_, labels),) = series(Uname(host("server_4.14") | {"host": "node-7"}).read())
    assert dict(labels)["nodename"] == "node-7"


def test_a_missing_file_is_an_error_of_the_source_alone(host):
    values = host("server_4.14")
    os.unlink(f"{values['procfs']}/sys/kernel/domainname")
    with pytest.raises(OSError, match="domainname"):
        Uname(values).read()


@given(st.binary(max_size=40))
def test_one_line_or_a_value_error(outcome, data):
    found, error = outcome(parse, data)
    assert "one line expected" in error if error else isinstance(found, str)
