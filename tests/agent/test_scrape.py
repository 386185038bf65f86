"""A scrape of several readers, some of which fail."""

from tocsin_agent.exposition import family
from tocsin_agent.scrape import Scrape
from tocsin_schema.metrics.loadavg import METRICS


class Flaky:
    """A reader that fails while it is told to."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def __call__(self) -> bytes:
        if self.error:
            raise self.error
        return family(METRICS[0], [({}, 1)])


def success(series, scrape: Scrape) -> dict[str, float]:
    found = series(b"".join(scrape.texts()))
    return {dict(labels)["collector"]: value for (name, labels), value in found.items() if name.endswith("success")}


def test_a_reader_that_fails_loses_its_series_and_no_other(series, capfd):
    flaky = Flaky(OSError("gone"))
    scrape = Scrape([("flaky", flaky), ("well", lambda: family(METRICS[1], [({}, 2)]))])
    found = series(b"".join(scrape.texts()))
    assert ("node_load1", frozenset()) not in found
    assert found["node_load5", frozenset()] == 2
    assert success(series, scrape) == {"flaky": 0, "well": 1}
    flaky.error = None
    assert success(series, scrape) == {"flaky": 1, "well": 1}
    flaky.error = KeyError("a fault of ours")
    assert success(series, scrape) == {"flaky": 0, "well": 1}
    assert capfd.readouterr().err.splitlines() == [
        'source_failed source=flaky error="OSError: gone"',
        "source_recovered source=flaky",
        "source_failed source=flaky error=\"KeyError: 'a fault of ours'\"",
    ]


def test_each_reader_has_a_duration(series):
    found = series(b"".join(Scrape([("a", lambda: b"")]).texts()))
    assert 0 < found["node_scrape_collector_duration_seconds", frozenset({("collector", "a")})] < 1
