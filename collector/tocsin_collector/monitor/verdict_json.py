"""Verdicts as JSON by the names of their fields: for the snapshot and for the record of windows."""

import functools
from collections.abc import Sequence

from pydantic import ConfigDict, TypeAdapter

from tocsin_collector.verdict import WindowVerdict


def dump(verdicts: Sequence[WindowVerdict]) -> bytes:
    """All of each, numbers to their last bit; NaN and infinities too."""
    return _form().dump_json(list(verdicts))


def load(told: bytes) -> list[WindowVerdict]:
    """What ``dump`` wrote, this version or another with the same fields. Raises pydantic.ValidationError."""
    return _form().validate_json(told)


@functools.cache
def _form() -> TypeAdapter[list[WindowVerdict]]:
    # Of a list, since a class of its own takes no settings from here.
    like = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants")
    return TypeAdapter(list[WindowVerdict], config=like)
