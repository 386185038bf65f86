"""An alarm's life, step by step."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin_collector.alarms.state import FIRING, PENDING, RESOLVED, Alarm, step
from tocsin_collector.alarms.text import MAX_LINE, MAX_TITLE, Message, body, lasted, one_line, span, subject, title

SEEN = Alarm("A", "critical", (("instance", "x"),), PENDING, 0.0, value=1.0)


def test_an_alarm_waits_for_its_time_then_fires_then_ends() -> None:
    first = step(None, SEEN, 100, 60)
    assert first is not None
    assert (first.state, first.since_s) == (PENDING, 100)
    second = step(first, SEEN, 159, 60)
    assert second is not None
    assert second.state == PENDING
    third = step(second, SEEN, 160, 60)
    assert third is not None
    assert (third.state, third.since_s, third.fired_s) == (FIRING, 100, 160)
    fourth = step(third, SEEN, 170, 60)
    assert fourth is not None
    assert (fourth.state, fourth.fired_s) == (FIRING, 160)
    fifth = step(fourth, None, 180, 60)
    assert fifth is not None
    assert (fifth.state, fifth.resolved_s) == (RESOLVED, 180)


def test_a_condition_that_ends_early_leaves_nothing() -> None:
    first = step(None, SEEN, 100, 60)
    assert step(first, None, 120, 60) is None
    again = step(None, SEEN, 130, 60)
    assert again is not None
    assert again.since_s == 130, "the wait begins anew"


@given(st.lists(st.booleans(), max_size=30), st.sampled_from([0.0, 1.0, 3.0]))
@settings(max_examples=100)
def test_it_fires_exactly_when_its_condition_held_long_enough(holds: list[bool], for_s: float) -> None:
    known: Alarm | None = None
    run = 0
    for now, active in enumerate(holds):
        alarm = step(known, SEEN if active else None, float(now), for_s)
        run = run + 1 if active else 0
        assert (alarm is not None and alarm.state == FIRING) == (run > for_s)
        assert (alarm is not None and alarm.state == RESOLVED) == (
            not active and known is not None and known.state == FIRING
        )
        known = alarm if alarm is not None and alarm.state != RESOLVED else None


# --- text -------------------------------------------------------------------------------------------------------------


def test_a_message_reads_as_a_person_needs_it() -> None:
    made = Message(
        "critical",
        subject({"project": "demo", "model": "flights", "version": "2"}),
        "dep_delay: 16.3 % of values are missing (and 1 more)",
        ("dep_delay: 16.3 % of values are missing", "log loss is above its bound"),
        (("Window", span(1_386_219_600, 1_386_306_000, -18_000)),),
        (("Page", "http://t/models/demo/flights/2"),),
    )
    assert title(made) == "[CRITICAL] Model flights 2 (demo): dep_delay: 16.3 % of values are missing (and 1 more)"
    assert body(made) == (
        "- dep_delay: 16.3 % of values are missing\n- log loss is above its bound\n\n"
        "Window: 2013-12-05 (event time)\nPage: http://t/models/demo/flights/2"
    )


def test_many_reasons_are_cut_and_counted() -> None:
    lines = body(Message("warning", "s", "h", tuple(f"r{i}" for i in range(40)))).splitlines()
    assert (lines[0], lines[12], len([line for line in lines if line])) == ("- r0", "- and 28 more", 13)


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=100)
def test_no_name_can_add_a_line_to_a_title_or_a_reason(name: str, reason: str) -> None:
    made = Message("critical", subject({"model": name + "m", "project": name}), reason, (reason,), (), ())
    assert len(title(made).splitlines()) == 1
    assert len(body(made).splitlines()) <= 2
    assert len(title(made)) <= MAX_TITLE


def test_a_long_line_is_cut() -> None:
    assert len(one_line("x" * 100_000)) == MAX_LINE


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59, "59 s"), (3_660, "1 h 1 min"), (90_061, "1 d 1 h")])
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert lasted(seconds) == text


def test_a_window_that_is_no_day_shows_both_ends() -> None:
    assert span(0, 3600) == "1970-01-01 00:00 to 1970-01-01 01:00 (event time)"
