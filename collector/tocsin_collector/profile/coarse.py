"""Few cells of each feature, cut where the layout's are: one small code a value, for models that learn from codes.

Code 0 is a value that is missing, not finite or of another kind; numbers have the codes 1 to ``GROUPS`` by quantile,
categories by how frequent they were in the reference, the last one for all the rare and the new.
"""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile.counts import Profile
from tocsin_collector.profile.edges import cuts
from tocsin_collector.profile.layout import FeatureLayout, Layout
from tocsin_collector.verdict import CATEGORY, NUMBER

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]

GROUPS = 32
CODES = GROUPS + 1
FEATURES_MOST = 64
"""What is learnt from codes costs time for each feature and for each pair: a rule that no traffic changes bounds it."""


def chosen(layout: Layout) -> tuple[FeatureLayout, ...]:
    """The features that have codes: the first by name, without constant ones, embeddings and what is an aspect."""
    return tuple(
        islice((one for one in layout.features if one.cells > 1 and not one.aspect and not one.space), FEATURES_MOST)
    )


def codes(frame: Frame, layout: Layout) -> Codes:
    """The codes of a frame's ``chosen`` features, features x rows; an absent column is all missing."""
    columns, features = frame.group("feature."), chosen(layout)
    found = np.zeros((len(features), frame.rows), np.uint8)
    for target, feature in zip(found, features, strict=True):
        values = columns.get(feature.name)
        if values is not None and values.kind == feature.kind:
            target[:] = _numbers(values, feature) if feature.kind == NUMBER else _names(values, feature)
    return found


def shares(profile: Profile) -> Floats:
    """The share of each code in a profile's rows, features x ``CODES``; all 0 where there are no rows."""
    features = chosen(profile.layout)
    found = np.zeros((len(features), CODES))
    for target, feature in zip(found, features, strict=True):
        tally = profile.tally(feature.name)
        target[:] = np.bincount(_code_of_cell(feature), tally.cells, CODES)
        target[GROUPS] += tally.new
        target[0] += tally.rows - tally.new - tally.cells.sum()
    return found / max(profile.rows, 1)


def _code_of_cell(feature: FeatureLayout) -> NDArray[np.intp]:
    cells = np.arange(feature.cells)
    if feature.kind == CATEGORY:
        return 1 + np.minimum(cells, GROUPS - 1)
    return 1 + np.searchsorted(np.array(cuts(len(feature.edges), GROUPS), np.intp), cells)


def _numbers(values: Values, feature: FeatureLayout) -> NDArray[np.intp]:
    edges = np.array([feature.edges[at] for at in cuts(len(feature.edges), GROUPS)], np.float64)
    found = 1 + np.searchsorted(edges, values.data, side="right")
    return np.where(values.valid & np.isfinite(values.data), found, 0)


def _names(values: Values, feature: FeatureLayout) -> NDArray[np.intp]:
    cells = feature.cells_of(values.names or [""])[0]
    of_name = np.where(cells < 0, GROUPS, 1 + np.minimum(cells, GROUPS - 1))
    return np.where(values.valid, of_name[values.data.astype(np.int64)], 0)
