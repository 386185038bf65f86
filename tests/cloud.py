"""A cloud of vectors as sentence embeddings are: topics of unequal weight around one common direction, on a sphere,
scattered in few directions much and in many a little."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

TOPICS = 20
Vectors = NDArray[np.float32]


class Cloud(NamedTuple):
    """``topics`` has one more than ``weights``: one that nobody has spoken of yet."""

    common: NDArray[np.float64]
    topics: NDArray[np.float64]
    weights: NDArray[np.float64]
    scatter: NDArray[np.float64]


def cloud(seed: int, dimensions: int = 384) -> Cloud:
    """A cloud of its own for each seed."""
    draw = np.random.default_rng([seed, dimensions])
    axes = np.linalg.qr(draw.normal(size=(dimensions, dimensions)))[0]
    decay = (1.0 + np.arange(dimensions)) ** -0.6
    scatter = axes * decay / np.linalg.norm(decay)
    topics = draw.normal(size=(TOPICS + 1, dimensions)) @ (axes * decay).T
    common = draw.normal(size=dimensions)
    return Cloud(common / np.linalg.norm(common), _unit(topics), draw.dirichlet(np.ones(TOPICS)), scatter)


def vectors(
    known: Cloud,
    rows: int,
    draw: np.random.Generator,
    *,
    new: float = 0.0,
    mix: float = 0.0,
    shift: float = 0.0,
    spread: float = 0.0,
) -> Vectors:
    """Rows of a cloud. ``new`` is the share of rows about the topic that is new, ``mix`` how many more are about the
    first one; ``shift`` moves every row along one direction, ``spread`` widens all topics, both by such a part."""
    weights = (1 - mix) * known.weights
    weights[0] += mix
    topic = draw.choice(TOPICS, rows, p=weights / weights.sum())
    topic[draw.random(rows) < new] = TOPICS
    noise = draw.normal(size=(rows, len(known.common))) @ known.scatter.T
    found = 0.6 * known.common + 0.6 * known.topics[topic] + 0.8 * (1 + spread) * noise
    moved = np.random.default_rng(len(known.common)).normal(size=len(known.common))
    return _unit(found + shift * moved / np.linalg.norm(moved)).astype(np.float32)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found
