"""One event, one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_agent.log import _quoted, event


def test_plain_values_stand_as_they_are(capfd):
    event("agent_listening", address="http://127.0.0.1:10300", count=3)
    assert capfd.readouterr().err == "agent_listening address=http://127.0.0.1:10300 count=3\n"


@pytest.mark.parametrize(
    ("value", "shown"), [("", '""'), ("a b", '"a b"'), ('"', '"\\""'), ("a\nb", '"a\\nb"'), ("\0", '"\\u0000"')]
)
def test_other_values_are_quoted(value, shown):
    assert _quoted(value) == shown


@given(st.text(max_size=40))
def test_a_value_never_makes_a_second_line_or_field(value):
    shown = _quoted(value)
    assert len(shown.splitlines()) <= 1
    assert (shown.startswith('"') and shown.endswith('"')) or (" " not in shown and "=" not in shown)
