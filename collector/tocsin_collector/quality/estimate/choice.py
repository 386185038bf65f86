"""Which estimator speaks for a model: the default one until windows whose labels came show that another is nearer.

Decided a score, since one may know the ranking better and another the level. The other must be nearer by twice the
standard error of the paired differences: what wins by chance in ten windows loses in the next ten.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

FEWEST_WINDOWS = 5
ERRORS = 2.0
"""Standard errors by which another estimator must be nearer."""

Answers = Mapping[str, Mapping[str, float]]
"""What each estimator said of a window, by score; the default one in front."""


class Past(NamedTuple):
    """A window whose labels have come: what was estimated, and what they showed."""

    answers: Answers
    realised: Mapping[str, float]


class Choice(NamedTuple):
    """``error`` is the root mean square error of the estimator chosen in the windows that have labels; None before."""

    estimator: str
    error: float | None


def choose(answers: Answers, past: Sequence[Past], score: str) -> Choice:
    """The estimator of one score, by windows in any order."""
    names = [name for name, told in answers.items() if score in told]
    used = [one for one in past if score in one.realised and all(score in one.answers.get(name, ()) for name in names)]
    default = names[0]
    if len(used) < FEWEST_WINDOWS:
        return Choice(default, None)
    errors = {name: np.array([one.answers[name][score] - one.realised[score] for one in used]) for name in names}
    best = min(names, key=lambda name: float(np.abs(errors[name]).mean()))
    nearer = np.abs(errors[default]) - np.abs(errors[best])
    evident = float(nearer.mean()) > ERRORS * float(nearer.std(ddof=1)) / len(used) ** 0.5
    chosen = best if evident else default
    return Choice(chosen, float(np.sqrt(np.mean(errors[chosen] ** 2))))
