"""The model: better than its baselines on days it never saw, the same each time, defined everywhere."""

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from tocsin_demo import data, model
from tocsin_demo.data import Flights
from tocsin_demo.model import Inputs, Model


def reference(flights: Flights) -> Flights:
    days = flights.between(date(2013, 9, 13), date(2013, 10, 7))
    return days.take(days.arrived)


def one(delay: float, *, seats: float = 150, carrier: str = "B6", origin: str = "JFK", dest: str = "BOS") -> Inputs:
    columns = (np.array([delay]), np.array([187.0]), np.array([seats]))
    return Inputs(*columns, np.array([carrier]), np.array([origin]), np.array([dest]))


def test_days_never_seen_are_told_better_than_by_the_majority(flights: Flights, trained: Model) -> None:
    unseen = reference(flights)
    late = trained.late(model.inputs(unseen))
    majority = np.full(len(unseen), unseen.late.mean())
    assert roc_auc_score(unseen.late, late) > 0.88
    assert log_loss(unseen.late, late) < 0.6 * log_loss(unseen.late, majority)


def test_training_twice_gives_the_same_model(flights: Flights, trained: Model) -> None:
    assert model.train(flights).digest == trained.digest


def test_the_reference_and_the_replay_are_not_trained_on(flights: Flights, trained: Model) -> None:
    unseen = flights.departure_s >= data.midnight_s(date(2013, 9, 1))
    spoiled = replace(flights, arr_delay_min=np.where(unseen, -flights.arr_delay_min, flights.arr_delay_min))
    assert model.train(spoiled).digest == trained.digest


def test_a_later_departure_is_more_probably_late(trained: Model) -> None:
    late = [float(trained.late(one(delay))[0]) for delay in (-10, 0, 15, 40, 100)]
    assert late == sorted(late)
    assert late[0] < 0.1
    assert late[-1] > 0.95


def test_a_missing_delay_is_answered_as_the_usual_one(trained: Model) -> None:
    assert trained.late(one(np.nan)) == trained.late(one(trained.usual_delay_min))


@settings(max_examples=50, deadline=None)
@given(
    delay=st.floats(-1e6, 1e6) | st.just(float("nan")),
    seats=st.floats(0, 1e3) | st.just(float("nan")),
    carrier=st.text(max_size=4),
    dest=st.text(max_size=4),
)
def test_every_input_gets_a_probability(trained: Model, delay: float, seats: float, carrier: str, dest: str) -> None:
    late = trained.late(one(delay, seats=seats, carrier=carrier, dest=dest))
    assert late.shape == (1,)
    assert 0 <= late[0] <= 1


def test_classes_follow_the_probabilities() -> None:
    assert model.classes(np.array([0.2, 0.5, 0.51])) == ["on_time", "on_time", "late"]
