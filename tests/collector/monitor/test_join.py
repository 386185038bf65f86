"""A label finds its prediction, whichever of the two comes first, and however they are grouped."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin_collector.frame import Frame, category, number
from tocsin_collector.keyedhash import KEY_BYTES, KeyedHash
from tocsin_collector.monitor import join as module
from tocsin_collector.monitor.join import GATHER, Join
from tocsin_collector.monitor.outcomes import NAMES_MOST
from tocsin_collector.monitor.window import Window
from tocsin_collector.verdict import ModelKey

KEY = ModelKey("shop", "credit", "3")


def _values(items):
    return number(items) if isinstance(items[0], float) else category(items)


def _labels(*rows):
    """Rows of id, time and label."""
    ids, times, labels = zip(*rows, strict=True)
    return Frame("label", KEY, np.array(times), list(ids), {"label": _values(labels)})


def _outcomes(*rows):
    """Rows of id, time, name and value."""
    ids, times, names, values = zip(*rows, strict=True)
    return Frame("outcome", KEY, np.array(times), list(ids), {"name": category(names), "value": number(values)})


@pytest.fixture
def join():
    return Join(KeyedHash(bytes(KEY_BYTES)))


@pytest.fixture
def window(join):
    window = Window(0)
    join.open(window, window)
    return window


def _labels_of(join, window):
    (rows,), labels = join.labels(window)
    values = labels.texts() if labels.kind == "category" else labels.data.tolist()
    return dict(zip(rows.tolist(), values, strict=True))


def _outcomes_of(join, window):
    return {name: sorted(values.tolist()) for name, _, values in join.outcomes(window)}


def test_a_label_before_its_prediction_waits_and_is_found(join, window):
    join.came(_labels(("a", 1, "yes")))
    assert join.waiting == 1
    join.predicted(window, ["b", "a"])
    assert (join.waiting, _labels_of(join, window), window.labelled) == (0, {1: "yes"}, 1)


def test_the_label_with_the_latest_time_counts_and_of_equal_times_the_last(join, window):
    join.predicted(window, ["a"])
    for label in ("new", 5), ("old", 2), ("last", 5):
        join.came(_labels(("a", label[1], label[0])))
        join.settle()
    assert (_labels_of(join, window), window.labelled) == ({0: "last"}, 1)


def test_a_corrected_label_may_be_of_another_kind(join, window):
    join.predicted(window, ["a"])
    join.came(_labels(("a", 1, "yes")))
    join.came(_labels(("a", 2, 1.0)))
    assert _labels_of(join, window) == {0: 1.0}


def test_a_label_and_outcomes_of_one_id_wait_side_by_side(join, window):
    join.came(_labels(("a", 1, "yes")))
    join.came(_outcomes(("a", 1, "minutes", 3.0), ("a", 1, "cost", 9.0)))
    assert join.waiting == 1
    join.predicted(window, ["a"])
    assert (_labels_of(join, window), _outcomes_of(join, window)) == ({0: "yes"}, {"minutes": [3.0], "cost": [9.0]})
    assert (join.waiting, window.labelled, window.outcomes) == (0, 1, 2)


def test_what_waited_too_long_is_counted_and_forgotten(join, window):
    join.came(_labels(("a", 1, "yes"), ("b", 100, "yes")))
    join.came(_outcomes(("a", 2, "cost", 1.0)))
    join.expire(before_us=50)
    assert (join.waiting, join.unmatched_total) == (1, 2)
    join.predicted(window, ["a", "b"])
    assert (_labels_of(join, window), _outcomes_of(join, window)) == ({1: "yes"}, {})


def test_a_late_outcome_keeps_an_early_label_waiting(join):
    join.came(_labels(("a", 1, "yes")))
    join.came(_outcomes(("a", 90, "cost", 1.0)))
    join.expire(before_us=50)
    assert (join.waiting, join.unmatched_total) == (1, 0)


def test_the_waiting_room_is_bounded_and_the_oldest_make_room(join, window, monkeypatch):
    monkeypatch.setattr(module, "WAITING_MOST", 800)
    for start in range(0, 8 * GATHER, GATHER):
        join.came(_labels(*((str(n), n, "yes") for n in range(start, start + GATHER))))
    assert join.waiting == 700
    assert join.unmatched_total == 8 * GATHER - 700
    join.predicted(window, [str(8 * GATHER - 1), "0"])
    assert _labels_of(join, window) == {0: "yes"}


def test_a_forgotten_prediction_is_not_found(join, window):
    join.predicted(window, ["a"])
    join.forget(window)
    join.came(_labels(("a", 1, "yes")))
    assert (join.waiting, window.labelled) == (1, 0)


def test_memory_follows_what_is_alive_and_not_what_was(join):
    for turn in range(40):
        window = Window(turn)
        join.open(window, window)
        ids = [f"{turn} {n}" for n in range(5_000)]
        join.predicted(window, ids)
        join.came(_labels(*((event_id, 1, f"made up {event_id}") for event_id in ids)))
        join.came(_outcomes(*((event_id, 1, "cost", 1.0) for event_id in ids[:50])))
        assert (len(_labels_of(join, window)), _outcomes_of(join, window)) == (5_000, {"cost": [1.0] * 50})
        join.forget(window)
    assert join.size_bytes < 40_000 * 40  # of 200,000 ids


def test_made_up_labels_that_correct_one_another_are_not_kept(join, window):
    join.predicted(window, ["a"])
    for turn in range(5_000):
        join.came(_labels(("a", turn, f"made up {turn}")))
        join.settle()
    assert len(join._texts) < 1_100
    assert _labels_of(join, window) == {0: "made up 4999"}


def test_made_up_names_of_outcomes_are_bounded(join, window):
    join.predicted(window, ["a"])
    for turn in range(3):
        join.came(_outcomes(*(("a", 1, f"{turn} {name}", 1.0) for name in range(NAMES_MOST))))
    assert len(_outcomes_of(join, window)) == window.outcomes == NAMES_MOST


ids = st.integers(0, 12).map(str)
stamps = st.integers(0, 9)
events = st.one_of(
    st.tuples(st.just("label"), ids, stamps, st.sampled_from(["yes", "no", 1.0, -2.5])),
    st.tuples(st.just("outcome"), ids, stamps, st.sampled_from(["cost", "minutes"]), st.integers(0, 99).map(float)),
    st.tuples(st.just("predict"), ids, st.integers(0, 2)),
    st.tuples(st.just("forget"), st.integers(0, 2)),
    st.tuples(st.just("look")),
)


class Model:
    """What the join should say, in dicts: the windows of ids, and the latest of what came for each id and name."""

    def __init__(self):
        self.window, self.late, self.gone = {}, {}, set()

    def take(self, event):
        kind, *rest = event
        if kind == "predict" and rest[1] not in self.gone:
            self.window.setdefault(rest[0], rest[1])
        elif kind in ("label", "outcome"):
            event_id, time, *name, value = rest
            book = self.late.setdefault(event_id, {})
            key = name[0] if name else ""
            if key not in book or book[key][0] <= time:
                book[key] = time, value
        elif kind == "forget":
            self.gone.add(rest[0])
            for event_id in [event_id for event_id, number in self.window.items() if number == rest[0]]:
                self.late.pop(event_id, None)
                self.window[event_id] = None

    def labels(self, number):
        return {
            event_id: book[""][1]
            for event_id, book in self.late.items()
            if self.window.get(event_id) == number and "" in book
        }

    def outcomes(self, number):
        found = {}
        for event_id, book in self.late.items():
            for name in book.keys() - {""} if self.window.get(event_id) == number else ():
                found.setdefault(name, []).append(book[name][1])
        return {name: sorted(values) for name, values in found.items()}


def _play(sequence, cuts):
    """Give the events to the join, neighbours of one kind together where no cut is between them."""
    join, model = Join(KeyedHash(bytes(KEY_BYTES))), Model()
    windows, rows, group = [Window(number) for number in range(3)], [[], [], []], []
    for window in windows:
        join.open(window, window)

    def flush():
        if group and group[0][0] == "label":
            for kind in (str, float):
                some = [event[1:] for event in group if isinstance(event[3], kind)]
                if some:
                    join.came(_labels(*some))
        elif group:
            join.came(_outcomes(*(event[1:] for event in group)))
        del group[:]

    for event, cut in zip(sequence, cuts, strict=True):
        kind, *rest = event
        mixed = group and (kind != group[0][0] or (kind == "label" and type(rest[2]) is not type(group[0][3])))
        if cut or mixed:
            flush()
        if kind in ("label", "outcome"):
            group.append(event)
        elif kind == "predict" and rest[1] not in model.gone and rest[0] not in model.window:
            join.predicted(windows[rest[1]], [rest[0]])
            rows[rest[1]].append(rest[0])
        elif kind == "forget" and rest[0] not in model.gone:
            join.forget(windows[rest[0]])
        elif kind == "look":
            join.settle()
        model.take(event)
    flush()
    return join, model, windows, rows


@given(st.lists(events, max_size=60), st.data())
def test_any_order_and_grouping_is_what_plain_dicts_say(sequence, data):
    cuts = data.draw(st.lists(st.booleans(), min_size=len(sequence), max_size=len(sequence)))
    join, model, windows, rows = _play(sequence, cuts)
    for window in windows:
        place = window.index
        if place in model.gone:
            continue
        labels = {rows[place][row]: value for row, value in _labels_of(join, window).items()}
        expected = model.labels(place)
        if any(isinstance(value, str) for value in expected.values()):
            expected = {key: value if isinstance(value, str) else f"{value:g}" for key, value in expected.items()}
        assert labels == expected
        assert window.labelled == len(expected)
        assert _outcomes_of(join, window) == model.outcomes(place)
        assert window.outcomes == sum(map(len, model.outcomes(place).values()))
    assert join.waiting == sum(1 for event_id in model.late if model.window.get(event_id) is None)


@given(
    st.permutations([("predict", str(n), n % 3) for n in range(5)] + [("label", str(n), n, "yes") for n in range(5)])
)
def test_every_order_of_the_same_events_gives_the_same(sequence):
    join, _, windows, _ = _play(sequence, [False] * len(sequence))
    assert [len(_labels_of(join, window)) for window in windows] == [2, 2, 1]
    assert join.waiting == 0
