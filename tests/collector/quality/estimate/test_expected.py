from itertools import product

import numpy as np
import pytest

from tocsin_collector.quality.auc import auc
from tocsin_collector.quality.estimate.expected import expected


def _enumerated(likely, table, score):
    """The mean of a score over all labels that could come, by their probability."""
    places, rows = table.shape
    total = 0.0
    for labels in product(range(places), repeat=rows):
        total += np.prod([likely[label, row] for row, label in enumerate(labels)]) * score(np.array(labels), table)
    return total


def _accuracy(labels, table):
    return (table.argmax(axis=0) == labels).mean()


def _log_loss(labels, table):
    return -np.log(table[labels, np.arange(len(labels))]).mean()


def _brier(labels, table):
    return ((table - (labels == np.arange(len(table))[:, None])) ** 2).sum(axis=0).mean()


def test_scores_that_are_means_are_those_of_all_labels_that_could_come():
    rng = np.random.default_rng(3)
    table, likely = (rng.dirichlet([1, 1, 1], 5).T for _ in range(2))
    found = expected(likely, table)
    assert found["accuracy"] == pytest.approx(_enumerated(likely, table, _accuracy))
    assert found["log_loss"] == pytest.approx(_enumerated(likely, table, _log_loss))
    assert found["brier"] == pytest.approx(_enumerated(likely, table, _brier))


def test_of_two_classes_the_brier_score_is_that_of_one():
    table = np.array([[0.25], [0.75]])
    assert expected(np.array([[0.0], [1.0]]), table)["brier"] == pytest.approx(0.0625)


def test_certain_labels_give_the_area_of_those_labels_ties_included():
    score = np.random.default_rng(4).integers(0, 5, 60) / 5
    truth = np.random.default_rng(5).random(60) < score
    table, likely = np.stack([score, 1 - score]), np.stack([truth, ~truth]).astype(float)
    assert expected(likely, table)["auc"] == pytest.approx(auc(likely.T > 0, table.T)[0])


def test_an_area_that_cannot_be_is_absent():
    table = np.array([[0.4, 0.6], [0.6, 0.4]])
    assert "auc" not in expected(np.array([[1.0, 1.0], [0.0, 0.0]]), table)
