"""The thread beside the journal: once a minute, one look at a time, whatever it raises."""

import threading
from collections.abc import Iterator

from tocsin_collector.journal.upkeep import Upkeep


def test_it_looks_once_a_minute_from_the_position_that_it_was_given() -> None:
    now_s, looks = 1_000.0, list[int]()
    upkeep = Upkeep(lambda position: [looks.append(position)], lambda: now_s)
    for position in (1, 2):
        first = upkeep.tick(position)
        assert first is not None
        first.result(10)
        now_s += 59
        assert upkeep.tick(9) is None
        now_s += 1
    upkeep.close()
    assert looks == [1, 2]


def test_a_look_that_takes_long_is_not_begun_twice() -> None:
    now_s, goes_on = 1_000.0, threading.Event()

    def look(_: int) -> Iterator[None]:
        goes_on.wait(10)
        yield

    upkeep = Upkeep(look, lambda: now_s)
    first = upkeep.tick(1)
    now_s += 600
    assert upkeep.tick(2) is None
    goes_on.set()
    assert first is not None
    first.result(10)
    assert upkeep.tick(3) is not None
    upkeep.close()


def test_a_look_that_fails_is_counted_and_the_next_one_comes() -> None:
    now_s = 1_000.0

    def look(position: int) -> Iterator[None]:
        if position == 1:
            raise OSError("the disk")
        yield

    upkeep = Upkeep(look, lambda: now_s)
    for position, failed in ((1, 1), (2, 1)):
        looking = upkeep.tick(position)
        assert looking is not None
        looking.result(10)
        assert upkeep.failed_total == failed
        now_s += 60
    upkeep.close()


def test_at_a_stop_it_is_left_after_the_step_that_is_being_done() -> None:
    steps, begun, goes_on = list[int](), threading.Event(), threading.Event()

    def look(_: int) -> Iterator[None]:
        for step in range(9):
            begun.set()
            goes_on.wait(10)
            steps.append(step)
            yield

    upkeep = Upkeep(look, lambda: 1_000.0)
    looking = upkeep.tick(1)
    begun.wait(10)
    closing = threading.Thread(target=upkeep.close)
    closing.start()
    while not upkeep._closing:
        closing.join(0.001)
    goes_on.set()
    closing.join(10)
    assert looking is not None
    assert (looking.done(), steps) == (True, [0])
