"""What a block's header has room for: what was accepted must be readable when the journal is replayed.

Column names and the texts of dictionaries stand in the header, which has at most 1 MiB (``MAX_HEADER_BYTES``). In JSON
a character takes up to six bytes; with these two budgets and 1,100 columns a header has at most 0.98 MB.
"""

import json
from collections.abc import Collection, Sequence

import numpy as np

from tocsin_schema.block import MAX_COLUMNS, MAX_NAME, Column, column

MAX_NAMES_CHARS = 100_000
MAX_VALUES_BYTES = 256 << 10


def names_fit(names: Collection[str]) -> bool:
    """Whether a block can have columns of these names beside ``time`` and ``id``."""
    few = len(names) * MAX_NAME <= MAX_NAMES_CHARS
    return few or (len(names) <= MAX_COLUMNS - 2 and sum(map(len, names)) <= MAX_NAMES_CHARS)


def fitted(columns: Sequence[Column]) -> list[Column]:
    """The columns, those dictionaries as plain texts that the header has no room for, largest first."""
    sizes = {item.name: _values_bytes(item.values) for item in columns if item.values is not None}
    over = sum(sizes.values()) - MAX_VALUES_BYTES
    large = set()
    for name in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if over <= 0:
            break
        large.add(name)
        over -= sizes[name]
    return [_plain(item) if item.name in large else item for item in columns]


def _values_bytes(values: list[str]) -> int:
    if sum(map(len, values)) * 6 + len(values) * 3 <= MAX_VALUES_BYTES >> 10:
        return MAX_VALUES_BYTES >> 10  # a small one is not worth counting
    return len(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode())


def _plain(item: Column) -> Column:
    names = item.values or []
    texts: list[object] = [names[code] for code in np.frombuffer(item.data, "<u4").tolist()]
    made = column(item.name, texts, "str")
    made.valid = item.valid
    return made
