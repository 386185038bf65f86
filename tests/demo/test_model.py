"""The model: better than its baselines on days it never saw, the same each time, defined everywhere."""

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from tocsin_demo import data, model
from tocsin_demo.data import Flights
from tocsin_demo.model import Inputs, Model


def reference(flights: Flights) -> Flights:
    days = flights.between(date(2013, 9, 13), date(2013, 10, 7))
    return days.take(days.arrived)


def one(hour: int, *, seats: float = 150, carrier: str = "B6", origin: str = "JFK", dest: str = "BOS") -> Inputs:
    columns = (np.array([hour]), np.array([187.0]), np.array([seats]))
    return Inputs(*columns, np.array([carrier]), np.array([origin]), np.array([dest]))


def test_days_never_seen_are_told_better_than_by_the_majority(flights: Flights, trained: Model) -> None:
    unseen = reference(flights)
    late = trained.late(model.inputs(unseen))
    majority = np.full(len(unseen), unseen.late.mean())
    assert roc_auc_score(unseen.late, late) > 0.6
    assert log_loss(unseen.late, late) < log_loss(unseen.late, majority)


def test_the_weights_are_those_of_scikit_learn(flights: Flights, trained: Model) -> None:
    past = flights.between(*model.TRAINED)
    past = past.take(past.arrived)
    design = model._design(trained, model.inputs(past))
    fitted = LogisticRegression(solver="newton-cholesky").fit(design, past.late)
    assert np.allclose(fitted.predict_proba(design)[:, 1], trained.late(model.inputs(past)), atol=1e-6)


def test_training_twice_gives_the_same_model(flights: Flights, trained: Model) -> None:
    assert model.train(flights).digest == trained.digest


def test_the_reference_and_the_replay_are_not_trained_on(flights: Flights, trained: Model) -> None:
    unseen = flights.departure_s >= data.midnight_s(date(2013, 9, 13))
    spoiled = replace(flights, arr_delay_min=np.where(unseen, -flights.arr_delay_min, flights.arr_delay_min))
    assert model.train(spoiled).digest == trained.digest


def test_the_evening_is_later_than_the_morning(trained: Model) -> None:
    assert trained.late(one(19))[0] > 1.5 * trained.late(one(7))[0]


def test_missing_seats_are_answered_as_the_usual_ones(trained: Model) -> None:
    assert trained.late(one(9, seats=np.nan)) == trained.late(one(9, seats=trained.usual_seats))


@settings(max_examples=50, deadline=None)
@given(
    hour=st.integers(0, 23),
    seats=st.floats(0, 1e3) | st.just(float("nan")),
    carrier=st.text(max_size=4),
    dest=st.text(max_size=4),
)
def test_every_input_gets_a_probability(trained: Model, hour: int, seats: float, carrier: str, dest: str) -> None:
    late = trained.late(one(hour, seats=seats, carrier=carrier, dest=dest))
    assert late.shape == (1,)
    assert 0 <= late[0] <= 1


def test_classes_follow_the_probabilities() -> None:
    assert model.classes(np.array([0.2, 0.5, 0.51])) == ["on_time", "on_time", "late"]
