"""A scrape of several readers, some of which fail."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tocsin_agent.exposition import family
from tocsin_agent.guard import Deposed
from tocsin_agent.scrape import MOST_CHOICES, Scrape
from tocsin_schema.metrics.loadavg import METRICS


class Flaky:
    """A reader that fails while it is told to."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def __call__(self) -> bytes:
        if self.error:
            raise self.error
        return family(METRICS[0], [({}, 1)])


def success(series, texts: list) -> dict[str, float]:
    found = series(b"".join(part for text in texts for part in text))
    return {dict(labels)["collector"]: value for (name, labels), value in found.items() if name.endswith("success")}


def test_a_reader_that_fails_loses_its_series_and_no_other(series, capfd):
    flaky = Flaky(OSError("gone"))
    scrape = Scrape([("flaky", flaky), ("well", lambda: family(METRICS[1], [({}, 2)]))])
    found = series(b"".join(scrape.texts()))
    assert ("node_load1", frozenset()) not in found
    assert found["node_load5", frozenset()] == 2
    assert success(series, [scrape.texts()]) == {"flaky": 0, "well": 1}
    flaky.error = None
    assert success(series, [scrape.texts()]) == {"flaky": 1, "well": 1}
    flaky.error = KeyError("a fault of ours")
    assert success(series, [scrape.texts()]) == {"flaky": 0, "well": 1}
    assert capfd.readouterr().err.splitlines() == [
        'source_failed source=flaky error="OSError: gone"',
        "source_recovered source=flaky",
        "source_failed source=flaky error=\"KeyError: 'a fault of ours'\"",
    ]


def test_each_reader_has_a_duration(series):
    found = series(b"".join(Scrape([("a", lambda: b"")]).texts()))
    assert 0 < found["node_scrape_collector_duration_seconds", frozenset({("collector", "a")})] < 1


class Gate:
    """A reader that hangs until it is let go."""

    def __init__(self) -> None:
        self.inside, self.open = threading.Event(), threading.Event()
        self.times = 0

    def __call__(self) -> bytes:
        self.times += 1
        self.inside.set()
        assert self.open.wait(20)
        return family(METRICS[0], [({}, self.times)])


class Hanging:
    """A scrape of three readers whose second one hangs, in a thread that is deposed."""

    def __init__(self, within_s: float = 30.0) -> None:
        self.gate = Gate()
        self.rung = threading.Event()
        first = ("first", lambda: family(METRICS[1], [({}, 1)]))
        last = ("last", lambda: family(METRICS[2], [({}, 3)]))
        self.scrape = Scrape([first, ("hung", self.gate), last])
        self.scrape.ring = self.rung.set
        self.round = self.scrape.begin(within_s=within_s)
        self.deposed = False
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        assert self.gate.inside.wait(5)
        assert self.scrape.depose()
        self.scrape.proceed(self.round)

    def _serve(self) -> None:
        try:
            self.scrape.proceed(self.round)
        except Deposed:
            self.deposed = True

    def let_go(self) -> None:
        self.gate.open.set()
        self.thread.join(5)
        assert self.deposed
        assert self.rung.is_set()


@pytest.fixture
def hanging() -> Iterator[Callable[..., Hanging]]:
    made: list[Hanging] = []

    def make(**how: float) -> Hanging:
        made.append(Hanging(**how))
        return made[-1]

    yield make
    for one in made:
        one.gate.open.set()
        one.thread.join(5)


def names(series, texts: list[bytes]) -> set[str]:
    return {name for name, _ in series(b"".join(texts)) if name.startswith("node_load")}


def test_a_reader_that_hangs_is_left_out_and_told_and_the_others_are_there(hanging, series, capfd):
    one = hanging()
    assert not one.round.complete
    texts = one.scrape.end(one.round)
    assert names(series, texts) == {"node_load5", "node_load15"}
    found = series(b"".join(texts))
    assert found["node_scrape_collector_success", frozenset({("collector", "hung")})] == 0
    assert found["node_scrape_collector_duration_seconds", frozenset({("collector", "hung")})] > 0
    assert capfd.readouterr().err.startswith('source_failed source=hung error="not done in time;')


def test_while_it_hangs_no_other_scrape_waits_for_it_or_enters_it(hanging, series, capfd):
    one = hanging()
    one.scrape.end(one.round)
    for _ in range(3):
        attempt = one.scrape.begin(within_s=30)
        one.scrape.proceed(attempt)
        assert attempt.complete
        assert names(series, one.scrape.end(attempt)) == {"node_load5", "node_load15"}
    assert one.gate.times == 1
    assert len(capfd.readouterr().err.splitlines()) == 1
    one.let_go()
    assert names(series, one.scrape.texts()) == {"node_load1", "node_load5", "node_load15"}
    assert capfd.readouterr().err == "source_recovered source=hung\n"


def test_what_a_slow_reader_brings_in_time_is_in_the_scrape_and_in_those_that_wait_with_it(hanging, series):
    one = hanging()
    other = one.scrape.begin(within_s=30)
    one.scrape.proceed(other)
    assert not other.complete
    one.let_go()
    for attempt in (one.round, other):
        assert attempt.complete
        assert names(series, one.scrape.end(attempt)) == {"node_load1", "node_load5", "node_load15"}
    assert one.gate.times == 1


def test_what_comes_too_late_is_dropped(hanging, series):
    one = hanging()
    one.scrape.end(one.round)
    one.let_go()
    assert one.round.parts[1] == b""


def test_a_thread_that_came_back_is_not_deposed():
    scrape = Scrape([("a", lambda: b"")])
    scrape.texts()
    assert not scrape.depose()


def test_a_thread_that_comes_back_while_its_successor_is_inside_a_reader_ends_all_the_same():
    first, second = Gate(), Gate()
    scrape = Scrape([("first", first), ("second", second)])
    attempt = scrape.begin(within_s=30)
    ended: list[str] = []

    def proceed(name: str) -> None:
        try:
            scrape.proceed(attempt)
            ended.append(name)
        except Deposed:
            ended.append(f"{name} deposed")

    threads = [threading.Thread(target=proceed, args=(name,)) for name in ("old", "new")]
    threads[0].start()
    assert first.inside.wait(5)
    assert scrape.depose()
    threads[1].start()
    assert second.inside.wait(5)
    first.open.set()
    threads[0].join(5)
    second.open.set()
    threads[1].join(5)
    assert ended == ["old deposed", "new"]
    assert attempt.complete


def test_a_scrape_that_takes_the_place_of_another_knows_who_hangs(hanging, series):
    one = hanging()
    one.scrape.end(one.round)
    assert one.scrape.hung() == {"hung"}
    after = Scrape([("hung", one.gate), ("new", lambda: family(METRICS[1], [({}, 9)]))], None, one.scrape)
    assert names(series, after.texts()) == {"node_load5"}
    assert one.gate.times == 1
    one.let_go()
    assert names(series, after.texts()) == {"node_load1", "node_load5"}


def test_readers_whose_turn_has_not_come_in_time_are_left_out_and_told(series):
    scrape = Scrape([("a", lambda: family(METRICS[0], [({}, 1)]))])
    attempt = scrape.begin(within_s=1e-9)
    scrape.proceed(attempt)
    assert success(series, [scrape.end(attempt)]) == {"a": 0}


def test_a_choice_of_readers_is_a_scrape_of_them_alone(series):
    scrape = Scrape([(name, lambda: b"") for name in "abc"])
    for wanted in ({"a"}, {"b", "c"}, {"a"}):
        attempt = scrape.begin(frozenset(wanted))
        scrape.proceed(attempt)
        assert set(success(series, [scrape.end(attempt)])) == wanted


def test_choices_that_are_remembered_are_bounded():
    scrape = Scrape([(str(number), lambda: b"") for number in range(100)])
    for number in range(100):
        scrape.end(scrape.begin(frozenset({str(number)}), 1e-9))
    assert len(scrape._some) <= MOST_CHOICES


def test_the_guard_is_armed_for_the_time_of_a_scrape():
    seen: list[str] = []

    class Noting:
        def arm(self) -> None:
            seen.append("armed")

        def disarm(self) -> None:
            seen.append("disarmed")

    Scrape([("a", lambda: seen.append("read") or b"")], Noting()).texts()
    assert seen == ["armed", "read", "disarmed"]
