"""A block's rows as JSON events: what could have been sent instead of it."""

import math
from collections.abc import Iterator

from tocsin_collector.ingest import times
from tocsin_schema.block import Block

_GROUPS = {"feature": "features", "score": "scores", "segment": "segment"}


def events(block: Block) -> Iterator[dict[str, object]]:
    """The events of a block, in their order. NaN and infinities are no JSON: such a value is left out, as a missing
    one is."""
    names = list(block.columns)
    common = {"type": block.type, "project": block.project, "model": block.model, "version": block.version}
    for values in zip(*(column.to_list() for column in block.columns.values()), strict=True):
        event: dict[str, object] = dict(common)
        for name, value in zip(names, values, strict=True):
            if value is None or not _is_json(value):
                continue
            group, _, rest = name.partition(".")
            if name == "time":
                event["time"] = times.text(value) if isinstance(value, int) else value
            elif rest and group in _GROUPS:
                event.setdefault(_GROUPS[group], {})[rest] = value  # type: ignore[index]
            else:
                event[name] = value
        yield event


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(map(math.isfinite, value))
    return not isinstance(value, float) or math.isfinite(value)
