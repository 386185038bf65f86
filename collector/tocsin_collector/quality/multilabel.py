"""Several labels at once: exact match, Jaccard similarity, and F1 by label, micro and macro.

Prediction and label are lists: ``["a", "c"]``. A row of two empty lists is right.
"""

from collections import Counter

import numpy as np

from tocsin_collector.quality.interval import Scored, of_mean
from tocsin_collector.quality.labelled import Sets
from tocsin_collector.quality.tally import Tally, count_mean, mean_of

LABELS_MOST = 256
"""Labels that are counted one by one, of a window; the rest is in exact match and Jaccard alone."""


def count(rows: Sets) -> Tally:
    """Rows by label: predicted, labelled, both."""
    both = [(said & true, said | true) for said, true in zip(rows.predicted, rows.truth, strict=True)]
    similar = np.array([len(common) / len(any_of) if any_of else 1.0 for common, any_of in both], np.float64)
    found: Tally = Counter()
    found.update(count_mean("jaccard", similar))
    found.update(count_mean("exact_match", (similar == 1).astype(np.float64)))
    known = Counter(name for _, any_of in both for name in any_of)
    kept = {name for name, _ in sorted(known.items(), key=lambda item: (-item[1], item[0]))[:LABELS_MOST]}
    for kind, sets in (("predicted", rows.predicted), ("labelled", rows.truth), ("both", [one for one, _ in both])):
        for name, times in Counter(name for one in sets for name in one if name in kept).items():
            found["label", name, kind] = times
    return found


def scores(tally: Tally) -> dict[str, Scored]:
    """F1 has no interval: a row's labels depend on each other."""
    found = {name: of_mean(mean, 0, 1) for name in ("jaccard", "exact_match") if (mean := mean_of(tally, name))}
    counted = by_label(tally)
    if counted:
        hits, all_of = sum(both for both, _ in counted.values()), sum(total for _, total in counted.values())
        found["f1_micro"] = Scored(2 * hits / all_of)
        found["f1_macro"] = Scored(float(np.mean([2 * both / total for both, total in counted.values()])))
    return found


def by_label(tally: Tally) -> dict[str, tuple[int, int]]:
    """Of each label how often it was both predicted and right, and how often predicted plus how often right."""
    names = sorted({str(key[1]) for key in tally if key[0] == "label"})
    part = {name: [tally["label", name, kind] for kind in ("both", "predicted", "labelled")] for name in names}
    return {name: (both, said + true) for name, (both, said, true) in part.items()}
