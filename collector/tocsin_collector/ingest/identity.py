"""What makes two events the same: their key, and their content.

The key is the id within project, model and type (an outcome's also has its name). The content is every value but the
time: a sender that leaves the time out gets another one at each try. Numbers are compared as float64,
embeddings as float32 and texts as text, so that an event keeps its content whether it comes in a block or as JSON,
alone or among others.

Two events are taken for the same when 128 bits agree, 64 of the key and 64 of the content. Where only the keys agree
by chance, a prediction is refused as a conflict, and its sender is told; among 10 million ids that happens to one with
probability 3e-6.

Hashes are keyed (``keyedhash``): nobody outside can aim at a collision.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values, Vectors
from tocsin_collector.keyedhash import KeyedHash
from tocsin_collector.verdict import NUMBER
from tocsin_schema.block import OUTCOME

U64 = NDArray[np.uint64]
_FEW, _SHORT = 256, 4_096  # so many names of dictionaries, of so many characters, are worth keeping
_FACTOR, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


def keys(frame: Frame, keyed: KeyedHash) -> U64:
    """Each event's 64-bit key."""
    found = keyed.texts(frame.ids) ^ _names(keyed, (f"{frame.type}\n{frame.key.project}\n{frame.key.model}\n",))
    if frame.type == OUTCOME:
        names = frame.columns["name"]
        found ^= keyed.texts(["name " + name for name in names.names])[names.data]
    return found


def contents(frame: Frame, keyed: KeyedHash) -> U64:
    """64 bits for each event's values, never 0. A missing value and an absent column are the same."""
    numbers = {name: values for name, values in frame.columns.items() if values.kind == NUMBER}
    others = {name: values for name, values in frame.columns.items() if values.kind != NUMBER}
    bits = np.empty((len(frame.columns), frame.rows), np.uint64)
    first = len(numbers)
    if numbers:
        np.concatenate([values.data for values in numbers.values()], out=bits[:first].view(np.float64).reshape(-1))
        bits[:first].view(np.float64)[:] += 0.0  # -0.0 becomes 0.0
    if others:
        bits[first:] = _texts(list(others.values()), frame.rows, keyed)
    for at, values in enumerate(others.values(), first):
        if values.vectors is not None:
            bits[at] = _embeddings(values.vectors, keyed)
    bits ^= _names(keyed, (*numbers, *others))[:, None]
    bits *= _FACTOR  # with the shift: one-to-one, and not linear, so that the sum does not cancel what differs
    bits ^= bits >> _SHIFT
    valid = [values.valid for values in (*numbers.values(), *others.values())]
    if any(one is not valid[0] for one in valid) or not (valid and valid[0].all()):
        bits *= np.concatenate(valid or [np.empty(0, bool)]).reshape(bits.shape)
    total: U64 = bits.sum(0, dtype=np.uint64)
    return total | np.uint64(1)


def _embeddings(vectors: Vectors, keyed: KeyedHash) -> U64:
    raw = np.add(vectors, 0.0, dtype=np.float32)  # -0.0 becomes 0.0
    return keyed.spans(raw.tobytes(), np.arange(len(raw) + 1) * raw.shape[1] * raw.itemsize)


def _texts(columns: list[Values], rows: int, keyed: KeyedHash) -> U64:
    """The hashes of texts, columns x rows: the dictionaries of all columns are one table, the codes point into it."""
    names = [values.names or [""] for values in columns]  # [""]: a column without a single value
    starts = np.cumsum([0, *map(len, names)])
    every = tuple(name for some in names for name in some)
    usual = len(every) <= _FEW and sum(map(len, every)) <= _SHORT
    table = _names(keyed, every) if usual else keyed.texts(every)
    # Also where a value is missing: a block's codes all point at a name.
    codes = np.concatenate([values.data for values in columns]).reshape(-1, rows)
    found: U64 = table[codes + starts[:-1, None]]
    return found


@lru_cache(1_024)
def _names(keyed: KeyedHash, names: tuple[str, ...]) -> U64:
    """The hashes of names that come again with each block."""
    return keyed.texts(names)
