"""The collector's own traces are found where its logs are."""

from concurrent.futures import Future

import pytest

from tocsin_collector.logs import LogStore, StoreError
from tocsin_collector.tracing import MOST_WAITING, Tracing


@pytest.fixture
def store(tmp_path):
    store = LogStore(str(tmp_path))
    yield store
    store.close()


def test_a_span_is_a_record_with_its_trace_id(store):
    tracing = Tracing(store)
    with tracing.span("take reference", model="demo/flights/1", rows=7):
        pass
    tracing.close()
    (row,) = store.search("reference").rows
    assert row.message.startswith("take reference model=demo/flights/1 rows=7 duration_ms=")
    assert len(row.fields["trace.id"]) == 32


def test_a_failed_span_is_an_error_and_the_exception_goes_on(store):
    tracing = Tracing(store)
    with pytest.raises(ZeroDivisionError), tracing.span("recover"):
        raise ZeroDivisionError
    tracing.close()
    assert [row.level for row in store.search("recover").rows] == ["error"]


class _Away:
    """A store that is away and then takes what comes."""

    def __init__(self):
        self.away = True
        self.taken = []

    def add(self, records):
        future = Future()
        if self.away:
            future.set_exception(StoreError("away"))
        else:
            self.taken += records
            future.set_result((len(records), 0))
        return future


def test_spans_wait_for_a_store_that_is_away_and_those_beyond_the_bound_are_counted():
    store = _Away()
    tracing = Tracing(store)
    for number in range(MOST_WAITING + 7):
        with tracing.span(f"span{number}"):
            pass
    store.away = False
    tracing.close()
    assert len(store.taken) == MOST_WAITING
    assert [sample.value for sample in tracing.samples()] == [7]


def test_a_store_that_stays_away_costs_its_spans_and_they_are_counted():
    tracing = Tracing(_Away())
    with tracing.span("lost"):
        pass
    tracing.close()
    assert [sample.value for sample in tracing.samples()] == [1]
