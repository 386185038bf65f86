"""The names of data streams: legal whatever a sender calls its dataset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.logs.elasticsearch.stream import Stream, cleaned, stream


@pytest.mark.parametrize(
    ("dataset", "namespace", "name"),
    [
        ("nginx.access", "", "logs-nginx.access-prod"),
        ("My App-x", "default", "logs-my_app_x-prod"),
        ("", "", "logs-tocsin-prod"),
        ("a", "Team-7", "logs-a-team_7"),
        ('<"*\\/|?,#:>', "", "logs-___________-prod"),
    ],
)
def test_a_sender_names_the_stream(dataset: str, namespace: str, name: str) -> None:
    assert stream(dataset, namespace, "prod").name == name


def test_our_own_namespace_is_cleaned_too() -> None:
    assert stream("a", "", "Big-One") == Stream("a", "big_one")
    assert stream("a", "", " ") == Stream("a", "default")


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=20))
def test_any_name_is_legal_and_comes_apart_again(dataset: str, namespace: str, default: str) -> None:
    found = stream(dataset, namespace, default)
    name = found.name
    # https://www.elastic.co/docs/reference/ecs/ecs-data_stream and the rules of index names
    assert len(name.encode()) <= 255
    assert name == name.lower()
    assert not set(name) & set(' \\/*?"<>|,#:')
    assert Stream(*name.removeprefix("logs-").split("-")) == found


@given(st.text(max_size=200))
def test_to_clean_twice_changes_nothing(part: str) -> None:
    assert cleaned(cleaned(part)) == cleaned(part)
