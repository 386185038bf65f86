"""Will a flight that leaves now arrive more than 15 minutes late? A logistic regression, trained once, served bare.

Trained on January to August, so that neither the reference (13 September to 31 October) nor the replay was seen.
scikit-learn fits it; serving needs the weights only: importing scikit-learn costs three seconds of CPU and 100 MB,
answering for 64 flights a tenth of a millisecond.

The delay at departure carries the model (AUC 0.64 without it, 0.89 with it). When it is missing it is taken as the
usual one: the training data cannot teach better, since a flight without a departure never arrives.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tocsin_demo import cache
from tocsin_demo.data import Flights

NAME, VERSION, PROJECT = "flights", "1", "demo"
LATE, ON_TIME = "late", "on_time"
TRAINED = (date(2013, 1, 1), date(2013, 8, 31))
_KNOTS_MIN = (-5, 0, 10, 20, 40)
_DELAY_MIN = (-20, 120)
"""Beyond these a departure's delay says nothing more."""
_EVERY = 4
"""One flight in four is trained on; all of them take four times the time and memory for an AUC that is 0.002 better."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the model is asked of some flights: columns of one length, NaN where unknown."""

    dep_delay_min: NDArray[np.float64]
    distance_mi: NDArray[np.float64]
    seats: NDArray[np.float64]
    carrier: NDArray[np.str_]
    origin: NDArray[np.str_]
    dest: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by column of the design, and what stands in for a missing number."""

    carriers: NDArray[np.str_]
    origins: NDArray[np.str_]
    dests: NDArray[np.str_]
    usual_delay_min: float
    usual_seats: float
    weights: NDArray[np.float64]
    intercept: float

    def late(self, inputs: Inputs) -> NDArray[np.float64]:
        """The probability that each flight arrives more than 15 minutes late."""
        logit = self.intercept + _design(self, inputs) @ self.weights
        return 1 / (1 + np.exp(-logit))

    @property
    def digest(self) -> str:
        """What it is, as 12 hex digits: two models of one digest answer alike."""
        raw = [column.tobytes() for column in _columns(self).values()]
        return hashlib.sha256(b"".join(raw)).hexdigest()[:12]


def classes(late: NDArray[np.float64]) -> list[str]:
    """The more likely class of each flight."""
    return [LATE if probable else ON_TIME for probable in (late > 0.5).tolist()]


def labels(flights: Flights) -> list[str | None]:
    """What became of each flight; None for one that never arrived."""
    pairs = zip(flights.late.tolist(), flights.arrived.tolist(), strict=True)
    return [(LATE if late else ON_TIME) if arrived else None for late, arrived in pairs]


def inputs(flights: Flights) -> Inputs:
    """What would be asked of these flights."""
    return Inputs(
        flights.dep_delay_min, flights.distance_mi, flights.seats, flights.carrier, flights.origin, flights.dest
    )


def train(flights: Flights) -> Model:
    """Fit on the flights of January to August that arrived."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    past = flights.between(*TRAINED)
    past = past.take(past.arrived).take(slice(None, None, _EVERY))
    asked = inputs(past)
    blank = Model(
        carriers=np.unique(past.carrier),
        origins=np.unique(past.origin),
        dests=np.unique(past.dest),
        usual_delay_min=float(np.nanmedian(past.dep_delay_min)),
        usual_seats=float(np.nanmedian(past.seats)),
        weights=np.empty(0),
        intercept=0.0,
    )
    # One thread: two that spin beside busy neighbours take seven times the CPU, and sum in another order.
    with threadpool_limits(1):
        fitted = LogisticRegression(solver="newton-cholesky", max_iter=100).fit(_design(blank, asked), past.late)
    columns = _columns(blank) | {"weights": fitted.coef_[0], "intercept": fitted.intercept_[0]}
    return _model(columns)


def load(flights: Flights, kept: Path | None = None) -> Model:
    """The model of these flights; trained when it is not in the cache."""
    seen = hashlib.sha256(flights.departure_s.tobytes()).hexdigest()
    key = f"{Model.__slots__} {TRAINED} {_EVERY} {_KNOTS_MIN} {_DELAY_MIN} {len(flights)} {seen}"
    return _model(cache.arrays((kept or cache.folder()) / "model.npz", key, lambda: _columns(train(flights))))


def _design(model: Model, asked: Inputs) -> NDArray[np.float64]:
    # One row a flight; scaled so that the default penalty treats the columns alike. An unknown carrier is no carrier.
    delay = np.where(np.isnan(asked.dep_delay_min), model.usual_delay_min, asked.dep_delay_min).clip(*_DELAY_MIN)
    seats = np.where(np.isnan(asked.seats), model.usual_seats, asked.seats)
    hinges = [np.maximum(delay - knot, 0) / 10 for knot in _KNOTS_MIN]
    return np.column_stack([
        delay / 10,
        *hinges,
        asked.distance_mi / 1_000,
        seats / 100,
        asked.carrier[:, None] == model.carriers,
        asked.origin[:, None] == model.origins,
        asked.dest[:, None] == model.dests,
    ])  # fmt: skip


def _columns(model: Model) -> cache.Arrays:
    return {name: np.asarray(getattr(model, name)) for name in model.__slots__}


def _model(columns: cache.Arrays) -> Model:
    numbers = {name: float(columns[name]) for name in ("usual_delay_min", "usual_seats", "intercept")}
    return Model(**(columns | numbers))  # type: ignore[arg-type]
