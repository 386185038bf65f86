"""The figures behind the story, week by week, as a Markdown table: what the model is worth and what goes missing.

    python -m tocsin_demo.figures

The majority is the constant prediction of the reference's share of late flights.
"""

import sys
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tocsin_demo import data, model, reference
from tocsin_demo.data import Flights
from tocsin_demo.model import Model

Floats = NDArray[np.float64]
HEAD = "| week from | flights | departures missing, worst day | late | AUC | log loss (majority) | Brier (majority) |"
LAST = date(2013, 12, 31)


def table(flights: Flights, trained: Model) -> Iterator[str]:
    """The lines of the table: the reference, then week by week from 1 November."""
    known = flights.between(reference.FIRST, reference.LAST)
    majority = float(known.late[known.arrived].mean())
    yield HEAD
    yield "|---" * HEAD.count(" |") + "|"
    yield _line("reference", known, trained, majority)
    first = date(2013, 11, 1)
    while first <= LAST:
        last = min(first + timedelta(days=6), LAST)
        week = flights.between(first, last)
        if len(week):
            yield _line(f"{first:%-d %B}", week, trained, majority)
        first = last + timedelta(days=1)


def missing_by_day(flights: Flights) -> dict[date, float]:
    """The share of departures without a delay on each day."""
    numbers = (flights.departure_s - data.midnight_s(reference.FIRST)) // data.DAY_S
    gone = np.isnan(flights.dep_delay_min)
    days = np.unique(numbers).tolist()
    return {reference.FIRST + timedelta(days=day): float(gone[numbers == day].mean()) for day in days}


def _line(name: str, flights: Flights, trained: Model, majority: float) -> str:
    from sklearn.metrics import roc_auc_score

    missing = missing_by_day(flights)
    worst = max(missing, key=lambda day: missing[day])
    share = f"{np.isnan(flights.dep_delay_min).mean():.2%}, {missing[worst]:.1%} on {worst:%-d %B}"
    arrived = flights.take(flights.arrived)
    late, constant = trained.late(model.inputs(arrived)), np.full(len(arrived), majority)
    losses = f"{_log_loss(arrived.late, late):.3f} ({_log_loss(arrived.late, constant):.3f})"
    briers = f"{_brier(arrived.late, late):.3f} ({_brier(arrived.late, constant):.3f})"
    auc = f"{roc_auc_score(arrived.late, late):.3f}"
    return f"| {name} | {len(flights)} | {share} | {arrived.late.mean():.2f} | {auc} | {losses} | {briers} |"


def _log_loss(truth: NDArray[np.bool_], late: Floats) -> float:
    return float(-np.log(np.where(truth, late, 1 - late)).mean())


def _brier(truth: NDArray[np.bool_], late: Floats) -> float:
    return float(((late - truth) ** 2).mean())


def main() -> int:
    """Print the table."""
    try:
        flights = data.load()
    except data.DataError as error:
        print(f"tocsin_demo_figures_failed error={error}", file=sys.stderr)
        return 1
    print(*table(flights, model.load(flights)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
