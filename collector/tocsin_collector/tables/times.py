"""Times in any usual form: RFC 3339 and ISO 8601, with or without an offset, or a count since the epoch."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values
from tocsin_collector.ingest.times import EARLIEST_US, LATEST_US
from tocsin_collector.tables.table import Column, Moments
from tocsin_collector.verdict import NUMBER

USUAL = "2026-10-01T00:00:00Z, or seconds or milliseconds since 1970"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COUNT = re.compile(r"\d{9,19}(?:\.\d*)?", re.ASCII)  # eight digits are a date: 20261001
# A count below 1e11 is in seconds (to the year 5138), below 1e14 in milliseconds, then micro- and nanoseconds.
_LIMITS, _SCALES = np.array([1e11, 1e14, 1e17]), np.array([1e6, 1e3, 1.0, 1e-3])


def moments(column: Column) -> Moments:
    """The times of a column. What cannot be read, or lies outside of 1970 to 2199, is not valid."""
    if isinstance(column, Moments):
        return within(column)
    if not isinstance(column, Values):
        return within(column.moments())
    if column.kind == NUMBER:
        return within(counted(column.data, column.valid))
    return within(of_texts(column.texts()))


def of_texts(texts: Sequence[str | None]) -> Moments:
    """Times from texts; each distinct one is read once."""
    known = {text: _parse(text) for text in set(texts)}
    found = [known[text] for text in texts]
    us = np.array([0 if moment is None else moment[0] for moment in found], np.int64)
    return Moments(us, np.array([moment is not None for moment in found], bool), sum(bool(m and m[1]) for m in found))


def counted(data: NDArray[np.float64] | NDArray[np.int64], valid: NDArray[np.bool_]) -> Moments:
    """Times from counts since the epoch; the size tells the unit."""
    sound = valid & np.isfinite(data) & (data >= 0) & (data < 1e20)
    plain = np.where(sound, data, 0)
    scale = _SCALES[np.searchsorted(_LIMITS, plain, side="right")]
    return Moments(np.rint(plain * scale).astype(np.int64), sound, 0)


def within(found: Moments) -> Moments:
    """Without those that no event can have."""
    return found._replace(valid=found.valid & (found.us >= EARLIEST_US) & (found.us < LATEST_US))


def _parse(text: str | None) -> tuple[int, bool] | None:
    text = (text or "").strip()
    if _COUNT.fullmatch(text):
        one = counted(np.array([float(text)]), np.ones(1, bool))
        return int(one.us[0]), False
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    naive = moment.tzinfo is None
    since = (moment.replace(tzinfo=UTC) if naive else moment) - _EPOCH
    return since // timedelta(microseconds=1), naive
