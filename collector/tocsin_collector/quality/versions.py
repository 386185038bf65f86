"""Two versions of a model against each other, over the windows that both have seen: A/B tests and shadow runs.

The two sides count as independent samples. Where a shadow version answers the same requests (under ids of its own) that
is cautious: what both have in common makes the difference vary less than it is taken to.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from tocsin_collector.quality.exact import UNIT_BITS
from tocsin_collector.quality.outcomes import CAME, per_prediction
from tocsin_collector.quality.sequential import Comparison, compare
from tocsin_collector.quality.tally import Mean, Tally, mean_of, moments, unpack
from tocsin_collector.verdict import WindowVerdict

SCORES = (
    "accuracy", "log_loss", "brier", "mae", "mse", "bias", "mape", "smape", "mase", "ndcg", "mrr", "hit_rate",
    "jaccard", "exact_match", "cost",
)  # fmt: skip
"""Those that are means of rows. AUC and F1 are not: of them the two intervals have to do."""


class Compared(NamedTuple):
    """One score or outcome of both; ``decided_s`` is the end of the first window after which the range excluded 0."""

    comparison: Comparison
    decided_s: float | None


def compare_versions(first: Sequence[WindowVerdict], second: Sequence[WindowVerdict]) -> dict[str, Compared]:
    """Every score, and every outcome of what came (``outcome NAME``) and a prediction (``NAME a prediction``).

    Scores are of windows whose labels have come on both sides, outcomes of those that are final on both.
    """
    pairs = _pairs(first, second)
    names = sorted({name for pair in pairs for verdict in pair for name in verdict.outcomes})
    found: dict[str, Compared] = {}
    _put(found, [(_quality(one), _quality(two), one.end_s) for one, two in pairs], dict.fromkeys(SCORES))
    for name in names:
        looks = [(_outcome(one, name), _outcome(two, name), one.end_s) for one, two in pairs]
        _put(found, looks, {CAME: f"outcome {name}", "": f"{name} a prediction"})
    return found


Look = tuple[Tally | None, Tally | None, float]


def _put(found: dict[str, Compared], looks: Iterable[Look], titles: Mapping[str, str | None]) -> None:
    used = [(one, two, end_s) for one, two, end_s in looks if one is not None and two is not None]
    for name, title in titles.items():
        ends_s, pairs = [], []
        for one, two, end_s in _growing(used):
            means = _mean(one, name), _mean(two, name)
            if means[0] and means[1]:
                ends_s.append(end_s)
                pairs.append((means[0], means[1]))
        comparison = compare(pairs)
        if comparison:
            decided_s = None if comparison.decided is None else ends_s[comparison.decided]
            found[title or name] = Compared(comparison, decided_s)


def _growing(looks: Iterable[tuple[Tally, Tally, float]]) -> Iterator[tuple[Tally, Tally, float]]:
    first, second = Tally(), Tally()
    for one, two, end_s in looks:
        first.update(one)
        second.update(two)
        yield first, second, end_s


def _pairs(
    first: Sequence[WindowVerdict], second: Sequence[WindowVerdict]
) -> list[tuple[WindowVerdict, WindowVerdict]]:
    others = {verdict.start_s: verdict for verdict in second}
    return [(verdict, others[verdict.start_s]) for verdict in first if verdict.start_s in others]


def _quality(verdict: WindowVerdict) -> Tally | None:
    """What the means of its scores are made of."""
    quality = verdict.quality
    return _means(quality.tally) if quality and quality.mature else None


@lru_cache(4_096)  # a month of hours of both, half a second of every look at the page; never written to
def _means(packed: bytes) -> Tally:
    tally = unpack(packed)
    return Tally({key: times for key, times in tally.items() if key[0] in ("mean", "hits", "classified")})


def _outcome(verdict: WindowVerdict, name: str) -> Tally | None:
    if not verdict.final:
        return None
    if name in verdict.outcomes:
        return unpack(verdict.outcomes[name].tally)
    return Tally({("predictions",): verdict.rows})


def _mean(tally: Tally, name: str) -> Mean | None:
    if name == "accuracy":
        hits, rows = tally["hits",] << UNIT_BITS, tally["classified",]
        return moments(rows, hits, hits) if rows else None
    return mean_of(tally, name) if name else per_prediction(tally)
