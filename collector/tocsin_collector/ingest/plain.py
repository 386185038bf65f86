"""Predictions of a form that came before, which are most of them: their values are checked all at once.

``events.read`` looks at one value after the other, so that it can say what is wrong with which. Here is only found that
nothing is: what has a doubt is for ``read``. The form of a prediction is the names and types of its fields; what
follows from these alone is kept for the next one.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import compress
from typing import Any, NamedTuple

from tocsin_collector.ingest import times
from tocsin_collector.ingest.drafts import KINDS
from tocsin_collector.ingest.events import FIELDS, MAX_FEATURES, MAX_FIELD, Event
from tocsin_schema.block import MAX_NAME, MAX_TEXT_BYTES, PREDICTION

_NOTHING: dict[str, Any] = {}
_TEXTS = FIELDS[PREDICTION] & {"type", "project", "model", "version", "id", "time"}
_OTHERS = ("prediction", "latency_s", "trace_id")
_MISSING = type(None)
_VALUE, _NUMBER, _TEXT = frozenset({float, int, bool, str}), frozenset({float, int}), frozenset({str})
_OF_OTHERS = {"prediction": _VALUE, "latency_s": _NUMBER, "trace_id": _TEXT}
_LARGE = 1 << 53
_KNOWN, _KNOWN_CHARS = 256, 16_384
Names = tuple[str, ...]


class Plain(NamedTuple):
    """A checked prediction, the kinds of its fields, and how many names and texts its JSON has."""

    event: Event
    kinds: Mapping[str, str]
    texts: int


class _Form(NamedTuple):
    """Columns, which of their values are numbers and which texts, their kinds, and how many names and texts in all."""

    columns: Names
    numbers: bytes
    texts: bytes
    kinds: dict[str, str]
    names_and_texts: int


class _Unusual(Exception):  # noqa: N818 - not a fault: it may be right
    """A form that is not kept."""


def plain(value: object, now_us: int) -> Plain | None:
    """A decoded JSON value as a prediction, when it is one without a doubt."""
    if type(value) is not dict or value.get("type") != PREDICTION:
        return None
    try:
        return _plain(value, now_us)
    except (_Unusual, KeyError, TypeError, ValueError, OverflowError):
        return None


def _plain(fields: dict[str, Any], now_us: int) -> Plain | None:
    features, scores = fields.get("features", _NOTHING), fields.get("scores", _NOTHING)
    segment = fields.get("segment", _NOTHING)
    if not type(features) is type(scores) is type(segment) is dict:
        return None
    others = [fields[key] for key in _OTHERS if key in fields]
    values = [*features.values(), *scores.values(), *segment.values(), *others]
    types = tuple(map(type, values))
    form = _form(tuple(fields), tuple(features), tuple(scores), tuple(segment), types)
    project, version = fields.get("project", "default"), fields.get("version", "")
    model, id = fields["model"], fields["id"]
    texts = "".join((project, model, version, id, *compress(values, form.texts)))
    # Not smaller than any of them, and of NaN and infinities no number below another.
    size = math.hypot(*compress(values, form.numbers))
    lengths = len(project), len(model), len(id), len(version) or 1
    if not (size < _LARGE and min(lengths) and max(lengths) <= MAX_NAME and len(texts.encode()) <= MAX_TEXT_BYTES):
        return None
    time_us = times.parse(fields["time"]) if "time" in fields else now_us
    columns = dict(zip(form.columns, values, strict=True))
    return Plain(Event(PREDICTION, project, model, version, id, time_us, columns), form.kinds, form.names_and_texts)


@lru_cache(_KNOWN)
def _form(fields: Names, features: Names, scores: Names, segment: Names, types: tuple[type, ...]) -> _Form:
    """Raises _Unusual."""
    inner = (*features, *scores, *segment)
    others = [key for key in _OTHERS if key in fields]
    usual = [_VALUE | {_MISSING}] * len(features) + [_NUMBER | {_MISSING}] * len(scores)
    usual += [_TEXT | {_MISSING}] * len(segment) + [_OF_OTHERS[key] for key in others]
    if (
        not FIELDS[PREDICTION].issuperset(fields)
        or "prediction" not in fields
        or not all(type in some for type, some in zip(types, usual, strict=True))
        or len(inner) > MAX_FEATURES
        or sum(map(len, inner)) > _KNOWN_CHARS
        or not all(0 < len(name) <= MAX_FIELD for name in inner)
    ):
        raise _Unusual
    "".join(inner).encode()  # a lone surrogate is a ValueError
    columns = (
        *("feature." + name for name in features),
        *("score." + name for name in scores),
        *("segment." + name for name in segment),
        *others,
    )
    return _Form(
        columns,
        bytes(type in (int, float) for type in types),
        bytes(type is str for type in types),
        {name: KINDS[type] for name, type in zip(columns, types, strict=True) if type is not _MISSING},
        len(fields) + len(inner) + types.count(str) + len(_TEXTS.intersection(fields)),
    )
