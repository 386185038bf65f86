"""A label finds its prediction, whichever of the two comes first."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.monitor import join as module
from tocsin_collector.monitor.join import Join, Late, Place


def _late(event_id, value="yes", time_us=1, name=""):
    return Late(event_id, name, value, time_us)


def test_a_label_before_its_prediction_waits_and_is_found():
    join = Join()
    assert join.came(_late("a")) is None
    place = Place("1", 7, 0)
    assert join.predicted(["a"], [place]) == [(place, _late("a"))]
    assert join.waiting == 0


def test_of_two_waiting_labels_the_later_one_counts():
    join = Join()
    for late in (_late("a", "new", 5), _late("a", "old", 2)):
        join.came(late)
    assert [late.value for _, late in join.predicted(["a"], [Place("1", 0, 0)])] == ["new"]


def test_a_label_and_outcomes_of_one_id_wait_side_by_side():
    join = Join()
    for late in (_late("a"), _late("a", 3.0, name="minutes"), _late("a", 9.0, name="cost")):
        join.came(late)
    assert {late.name for _, late in join.predicted(["a"], [Place("1", 0, 0)])} == {"", "minutes", "cost"}


def test_what_waited_too_long_is_counted_and_forgotten():
    join = Join()
    join.came(_late("a", time_us=1))
    join.came(_late("b", time_us=100))
    join.expire(before_us=50)
    assert (join.waiting, join.unmatched_total) == (1, 1)


def test_the_waiting_room_is_bounded():
    join = Join()
    for number in range(module.WAITING_MOST + 3):
        join.came(_late(str(number)))
    assert (join.waiting, join.unmatched_total) == (module.WAITING_MOST, 3)


def test_a_forgotten_prediction_is_not_found():
    join = Join()
    join.predicted(["a"], [Place("1", 0, 0)])
    join.forget(["a"])
    assert join.came(_late("a")) is None


@given(st.permutations([("p", str(n)) for n in range(6)] + [("l", str(n)) for n in range(6)]))
def test_any_order_joins_each_label_once(events):
    join, joined = Join(), []
    for kind, event_id in events:
        if kind == "p":
            joined += [late.id for _, late in join.predicted([event_id], [Place("1", 0, int(event_id))])]
        elif join.came(_late(event_id)):
            joined.append(event_id)
    assert sorted(joined) == [str(n) for n in range(6)]
