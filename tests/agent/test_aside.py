"""What may hang, done aside."""

import os
import time

import pytest

from tocsin_agent.aside import SLOW_S, Aside, Errand

PROMPT_S, LONG_S = 5.0, 0.05


class Chip:
    """A read from a pipe: it hangs until the test writes to it."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self.reads = self.came_back = 0

    def read(self) -> bytes:
        self.reads += 1
        data = os.read(self.reader, 1)
        self.came_back += 1
        return data

    def answer(self) -> None:
        os.write(self.writer, b"x")


@pytest.fixture
def chip():
    found = Chip()
    yield found
    os.close(found.writer)  # whoever still waits reads the end
    until(lambda: found.came_back == found.reads)
    os.close(found.reader)


def until(condition):
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.001)


def test_prompt_errands_answer_at_once_and_young():
    errands = [Errand(lambda: b"1"), Errand(lambda: b"2")]
    Aside().ask(errands, PROMPT_S)
    assert [errand.answer for errand in errands] == [b"1", b"2"]
    assert all(0 <= errand.age_s < 1 for errand in errands)


def test_nothing_to_ask_waits_for_nothing():
    began = time.monotonic()
    Aside().ask([], PROMPT_S)
    assert time.monotonic() - began < PROMPT_S / 2


def test_an_error_is_an_answer():
    (errand,) = errands = [Errand(lambda: bytes([256]))]
    Aside().ask(errands, PROMPT_S)
    assert isinstance(errand.answer, ValueError)


def test_what_hangs_is_late_is_not_begun_again_and_holds_nobody_up_twice(chip):
    hung, well = Errand(chip.read), Errand(lambda: b"well")
    aside = Aside()
    aside.ask([hung, well], LONG_S)
    assert (hung.answer, well.answer) == (None, None)
    for _ in range(3):
        began = time.monotonic()
        aside.ask([hung, well], PROMPT_S)
        assert time.monotonic() - began < PROMPT_S / 2
        assert (hung.answer, well.answer) == (None, b"well")
    assert chip.reads == 1


def test_what_comes_back_late_is_handed_over_once_with_its_age_and_asked_again(chip):
    slow = Errand(chip.read)
    aside = Aside()
    aside.ask([slow], SLOW_S * 1.5)
    assert slow.answer is None
    chip.answer()
    until(lambda: not slow.busy)
    aside.ask([slow], PROMPT_S)
    assert slow.answer == b"x"
    assert slow.age_s > 0
    aside.ask([slow], PROMPT_S)
    assert slow.answer is None
    until(lambda: chip.reads == 2)


def test_what_was_slow_and_is_no_longer_is_waited_for_again(chip):
    slow = Errand(chip.read)
    aside = Aside()
    aside.ask([slow], SLOW_S * 1.5)
    chip.answer()
    until(lambda: not slow.busy)
    chip.answer()
    aside.ask([slow], PROMPT_S)
    until(lambda: not slow.busy)
    assert not slow.slow
    chip.answer()
    aside.ask([slow], PROMPT_S)
    assert slow.answer == b"x"
    assert chip.reads == 3


def test_what_takes_its_time_but_comes_within_the_wait_is_there_each_time():
    def work() -> bytes:
        began = time.monotonic()
        until(lambda: time.monotonic() - began > SLOW_S * 1.1)
        return b"x"

    errand, aside = Errand(work), Aside()
    for _ in range(3):
        aside.ask([errand], PROMPT_S)
        assert errand.slow
        assert errand.answer == b"x"
        assert errand.age_s < 1
