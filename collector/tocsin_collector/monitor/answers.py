"""What a window's answers are like, where they are texts: measured, beside their labels, their judges, their cost."""

from collections.abc import Mapping

import numpy as np

from tocsin_collector.frame import Values
from tocsin_collector.monitor.window import TOKENS
from tocsin_collector.quality.text.judge import judge
from tocsin_collector.quality.text.measure import TextCounts
from tocsin_collector.quality.text.price import Price
from tocsin_collector.quality.text.reference import TextReference
from tocsin_collector.quality.text.sampled import sampled
from tocsin_collector.quality.text.similarity import similarities
from tocsin_collector.verdict import CATEGORY, OutcomeVerdict, TextVerdict

JUDGE = "judge."
"""How the outcomes begin that are a judge's scores."""
JUDGES_MOST = 8
COMPARED = 100
"""Answers that are compared with their labels."""


def answers(
    counts: TextCounts, reference: TextReference | None, outcomes: Mapping[str, OutcomeVerdict], *, is_judged: bool
) -> TextVerdict | None:
    """The verdict of a window's texts with its judges' scores; None where the answers are no texts."""
    found = judge(reference, counts, is_judged=is_judged)
    if found is None:
        return None
    names = sorted(name for name in outcomes if name.startswith(JUDGE))[:JUDGES_MOST]
    return found._replace(measures=found.measures | {name: outcomes[name].mean for name in names})


def tokens(counted: Mapping[str, int], outcomes: Mapping[str, OutcomeVerdict], price: Price | None) -> dict[str, float]:
    """Tokens that a window took and gave, from its features or else its outcomes, and what they cost."""
    found = {name: float(counted[name]) for name in TOKENS if name in counted}
    found |= {
        name: outcomes[name].mean * outcomes[name].count for name in TOKENS if name in outcomes and name not in found
    }
    if price is None or not found:
        return found
    return found | {"cost": price.of(found.get(TOKENS[0], 0.0), found.get(TOKENS[1], 0.0))}


def alike(answered: Values | None, wanted: Values) -> dict[str, float]:
    """How alike answers and their labels are, both texts in the same rows."""
    if answered is None or answered.kind != CATEGORY or wanted.kind != CATEGORY:
        return {}
    rows = sampled(np.flatnonzero(answered.valid & wanted.valid), COMPARED)
    pairs = zip(answered.take(rows).texts(), wanted.take(rows).texts(), strict=True)
    return similarities((answer or "", want or "") for answer, want in pairs)
