"""The figures of the tutorial."""

from datetime import date

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from tocsin_demo import figures, model
from tocsin_demo.data import Flights
from tocsin_demo.model import Model


def test_the_share_of_missing_departures_is_told_by_day(flights: Flights) -> None:
    missing = figures.missing_by_day(flights.between(date(2013, 11, 8), date(2013, 12, 5)))
    assert missing[date(2013, 12, 5)] == pytest.approx(0.165, abs=0.001)
    assert missing[date(2013, 11, 8)] < 0.01


def test_a_week_is_a_line_whose_losses_agree_with_scikit_learn(flights: Flights, trained: Model) -> None:
    head, rule, reference, *weeks = figures.table(flights.between(date(2013, 9, 1), date(2013, 12, 5)), trained)
    assert head.count("|") == rule.count("|") == reference.count("|")
    assert [line.split(" | ")[0] for line in weeks] == ["| 8 November", "| 29 November"]
    day = flights.between(date(2013, 12, 5), date(2013, 12, 5))
    day = day.take(day.arrived)
    late = trained.late(model.inputs(day))
    assert f" | {log_loss(day.late, late):.3f} (" in weeks[1]
    assert f" | {brier_score_loss(day.late, late):.3f} (" in weeks[1]
    assert " | 16.48%, 16.5% on 5 December | " in weeks[1]
    assert f" | {np.mean(day.late):.2f} | " in weeks[1]
