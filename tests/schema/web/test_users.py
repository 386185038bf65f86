"""Passwords of basic authentication: what a wrong one costs tells nobody which users there are."""

from base64 import b64encode

import pytest

from tocsin_schema.web.users import NOBODY, Users

REST = "$abcdefghijklmnopqrstuuAqGYQ0PzBzZVhI2ZYFzVV7dVRNCLHqS"


@pytest.mark.parametrize("costs", [["04"], ["12"], ["04", "12", "10"], []])
def test_a_user_who_does_not_exist_costs_as_much_as_the_dearest(costs):
    checked = []
    users = Users({f"u{cost}": f"$2y${cost}{REST}" for cost in costs}, lambda _, against: bool(checked.append(against)))
    assert not users.check("Basic " + b64encode(b"mallory:x").decode())
    (against,) = checked
    assert against[:7].decode() == f"$2b${max(costs, default='10')}$"
    assert against[7:].decode() == NOBODY[7:]
