"""What the scores of a classifier cost: log loss and Brier score, exact."""

from collections import Counter

from tocsin_collector.quality.interval import Scored, of_mean
from tocsin_collector.quality.labelled import Classified
from tocsin_collector.quality.measure import BRIER, LOG_LOSS, losses
from tocsin_collector.quality.tally import Tally, count_mean, mean_of


def count(rows: Classified) -> Tally:
    """The sums of the rows' losses."""
    found: Tally = Counter()
    if rows.probabilities is not None:
        for name, values in losses(rows.truth, rows.probabilities).items():
            found.update(count_mean(name, values))
    return found


def scores(tally: Tally) -> dict[str, Scored]:
    """Log loss in nats; the Brier score of two classes is that of one of them."""
    return {name: of_mean(mean, 0) for name in (LOG_LOSS, BRIER) if (mean := mean_of(tally, name))}
