"""The collector's own traces are found where its logs are."""

import pytest

from tocsin_collector.logs import LogStore
from tocsin_collector.tracing import Tracing


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
