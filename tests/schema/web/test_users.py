"""Basic authentication."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_schema.web.users import MOST_VERDICTS, Users, credentials


def header(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


class Counting:
    """A check that takes the password ``right`` and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.asked.append((password, hashed))
        return password == b"right"


@pytest.fixture
def check() -> Counting:
    return Counting()


@pytest.fixture
def users(check) -> Users:
    return Users({"alice": "hashed"}, check)


def test_a_verdict_is_remembered(users, check):
    assert users.known(header("alice", "right")) is None
    assert users.check(header("alice", "right"))
    assert users.known(header("alice", "right")) is True
    assert users.known(header("alice", "wrong")) is None
    assert not users.check(header("alice", "wrong"))
    assert users.known(header("alice", "wrong")) is False
    assert [password for password, _ in check.asked] == [b"right", b"wrong"]


def test_a_user_that_is_none_costs_a_check_and_never_comes_in(users, check):
    assert not users.check(header("mallory", "right"))
    ((_, hashed),) = check.asked
    assert hashed.startswith(b"$2b$10$")


def test_user_and_password_cannot_be_shifted_into_each_other(users):
    assert users.check(header("alice", "right"))
    assert users.known(header("alic", "eright")) is None


def test_a_flood_of_wrong_passwords_is_bounded_and_costs_the_right_one_nothing(users, check):
    users.check(header("alice", "right"))
    for number in range(3 * MOST_VERDICTS):
        users.check(header("alice", str(number)))
    assert len(users._verdicts) <= MOST_VERDICTS
    assert users.known(header("alice", "right")) is True


@pytest.mark.parametrize("text", ["", "Basic", "Basic ", "Bearer abc", "Basic !!!", "Basic YWJj", "Basic YTp", "basic"])
def test_what_is_no_credentials_is_refused_at_once(users, check, text):
    assert users.known(text) is False
    assert not users.check(text)
    assert check.asked == []


@given(st.text(max_size=40))
def test_any_header_is_credentials_or_none(text):
    found = credentials("Basic " + text)
    assert found is None or b":" not in found[0]


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters=":")), st.text(alphabet="a:ü\0"))
def test_credentials_come_back(user, password):
    assert credentials(header(user, password)) == (user.encode(), password.encode())
