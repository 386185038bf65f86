"""The bodies of one scrape after the other."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.conftest import openmetrics
from tocsin_agent.body import LONG_BYTES, Body
from tocsin_agent.exposition import template
from tocsin_schema.metric import COUNTER, GAUGE, Metric

SHORT = [Metric(f"t_short{n}", GAUGE, "", "Short.", emitter="agent") for n in range(3)]
LONG = [Metric(f"t_long{n}_total", COUNTER, "", 'A "long" one.', emitter="agent", labels={"n": 300}) for n in range(2)]
ROWS = [{"n": str(n)} for n in range(150)]


def text(short: list[int], long: list[int]) -> bytes:
    """A reader's families, a value each; of the long ones all series have it."""
    parts = [template(metric, [{}]) % b"%d" % value for metric, value in zip(SHORT, short, strict=False)]
    parts += [template(metric, ROWS) % ((b"%d" % value,) * 150) for metric, value in zip(LONG, long, strict=False)]
    return b"".join(parts)


VALUES = st.lists(st.integers(0, 2), max_size=3)
TEXTS = st.lists(st.builds(text, VALUES, VALUES), min_size=2, max_size=2)


@pytest.mark.parametrize("names", [False, True])
@given(st.lists(TEXTS, max_size=6))
def test_each_body_says_what_the_readers_told_in_that_scrape(names, scrapes):
    body = Body(openmetrics=names)
    for texts in scrapes:
        body.take(texts)
        expected = openmetrics(texts) if names else b"".join(texts)
        assert body.plain() == gzip.decompress(body.gzip()) == expected
        assert len(body) == len(expected)


def test_a_long_family_that_stands_still_is_compressed_once():
    body = Body(openmetrics=True)
    for _ in range(2):
        body.take([text([1], [5, 6])])
    assert [len(piece.text) > LONG_BYTES for piece in body._pieces] == [False, True, True]
    assert [bool(piece.blocks()) for piece in body._pieces] == [False, True, True]
    known = body._pieces[1].blocks()
    body.take([text([2], [5, 7])])
    assert body._pieces[1].blocks() is known
    assert not body._pieces[2].blocks()


def test_readers_may_come_and_go():
    body = Body(openmetrics=False)
    for texts in ([text([1], [])], [text([1], []), text([2], [])], []):
        body.take(texts)
        assert body.plain() == b"".join(texts)
