"""All score groups as one: from labelled rows to a tally, from a tally to scores."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tocsin_collector.quality import (
    calibration,
    confusion,
    curve,
    delay,
    forecast,
    multilabel,
    probability,
    ranking,
    regression,
)
from tocsin_collector.quality.interval import Scored, of_mean
from tocsin_collector.quality.labelled import Classified, Estimated, Floats, Labelled, Ranked, Sets, Sound, sound
from tocsin_collector.quality.tally import Tally, mean_of, merge

GROUPS: dict[type, tuple[Any, ...]] = {
    Classified: (curve, probability, calibration, confusion),
    Estimated: (regression, forecast),
    Ranked: (ranking,),
    Sets: (multilabel,),
}
"""The groups of each kind of rows. A group is a file with ``count(rows)`` and ``scores(tally)``."""


def count(rows: Labelled) -> Tally:
    """Everything that scores are made of, and how long the labels took."""
    return count_sound(sound(rows), rows.delay_s)


def count_sound(found: Sound | None, delay_s: Floats | None) -> Tally:
    """The same of rows that were sorted out."""
    tally = merge(group.count(found) for group in GROUPS.get(type(found), ()))
    if delay_s is not None:
        tally.update(delay.count(delay_s[np.isfinite(delay_s)]))
    return tally


def scores(tally: Tally) -> dict[str, Scored]:
    """Every score that the tally determines, with its interval. What it does not (AUC of one class) is absent."""
    parts: list[Callable[[Tally], dict[str, Scored]]] = [group.scores for groups in GROUPS.values() for group in groups]
    found = {name: scored for part in parts for name, scored in part(tally).items()}
    cost = mean_of(tally, "cost")
    return found | ({"cost": of_mean(cost)} if cost else {})
