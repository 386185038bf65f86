"""Will a flight that leaves now arrive more than 15 minutes late? A logistic regression, trained once, served bare.

Trained on the four weeks before the reference, so that neither the reference nor the replay was seen; a longer past is
worse, since summer's flights are late twice as often (``docs/decisions/0060-demo-data-and-model.md``). It reads the
timetable, not the delay at departure that stands in the same record: that is watched, not used. scikit-learn fits it;
serving needs the weights only: importing scikit-learn costs three seconds of CPU and 100 MB, answering for 64 flights a
tenth of a millisecond.
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
TRAINED = (date(2013, 8, 15), date(2013, 9, 12))


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the model is asked of some flights: columns of one length, NaN where unknown."""

    scheduled_hour: NDArray[np.int64]
    distance_mi: NDArray[np.float64]
    seats: NDArray[np.float64]
    carrier: NDArray[np.str_]
    origin: NDArray[np.str_]
    dest: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by column of the design, and what stands in for a missing number."""

    hours: NDArray[np.int64]
    carriers: NDArray[np.str_]
    origins: NDArray[np.str_]
    dests: NDArray[np.str_]
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
        flights.scheduled_hour, flights.distance_mi, flights.seats, flights.carrier, flights.origin, flights.dest
    )


def train(flights: Flights) -> Model:
    """Fit on the flights of those four weeks that arrived."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    past = flights.between(*TRAINED)
    past = past.take(past.arrived)
    asked = inputs(past)
    blank = Model(
        hours=np.unique(past.scheduled_hour),
        carriers=np.unique(past.carrier),
        origins=np.unique(past.origin),
        dests=np.unique(past.dest),
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
    key = f"{Model.__slots__} {TRAINED} {len(flights)} {seen}"
    return _model(cache.arrays((kept or cache.folder()) / "model.arrays", key, lambda: _columns(train(flights))))


def _design(model: Model, asked: Inputs) -> NDArray[np.float64]:
    # One row a flight; scaled so that the default penalty treats the columns alike. An unknown carrier is no carrier.
    seats = np.where(np.isnan(asked.seats), model.usual_seats, asked.seats)
    return np.column_stack([
        asked.distance_mi / 1_000,
        seats / 100,
        asked.scheduled_hour[:, None] == model.hours,
        asked.carrier[:, None] == model.carriers,
        asked.origin[:, None] == model.origins,
        asked.dest[:, None] == model.dests,
    ])  # fmt: skip


def _columns(model: Model) -> cache.Arrays:
    return {name: np.asarray(getattr(model, name)) for name in model.__slots__}


def _model(columns: cache.Arrays) -> Model:
    numbers = {name: float(columns[name]) for name in ("usual_seats", "intercept")}
    return Model(**(columns | numbers))  # type: ignore[arg-type]
