"""A table of rows, whatever it came from: read in batches, as often as one likes, and never held as a whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Values

BATCH_ROWS = 65_536
MAX_COLUMNS = 20_000


class TableError(ValueError):
    """The source is no table; the message says what of it, where, and what would be right."""


class Moments(NamedTuple):
    """A column of times: microseconds since the epoch, whether there is one, and how many lacked an offset."""

    us: NDArray[np.int64]
    valid: NDArray[np.bool_]
    naive: int


class Cells(Protocol):
    """A column of a text file: what kind its values are is not said."""

    def __len__(self) -> int:
        """How many rows."""

    def sliced(self, rows: slice) -> "Cells":
        """Some of the rows."""

    def numeric(self) -> bool:
        """Whether every cell is a number or missing."""

    def number(self) -> Values:
        """As numbers. What is no number is infinite: both are counted as invalid."""

    def category(self) -> Values:
        """As categories; an empty cell is missing."""

    def moments(self) -> Moments:
        """As times."""


Column = Values | Moments | Cells
Batch = dict[str, Column]


@dataclass(slots=True)
class Table:
    """``batches`` reads some columns from the start, each call anew. ``notes`` says what was left out, as found."""

    name: str
    columns: list[str]
    batches: Callable[[Sequence[str]], Iterator[Batch]]
    notes: dict[str, str] = field(default_factory=dict)

    def note(self, about: str, text: str) -> None:
        """Tell the first thing ``about`` something, however often the table is read."""
        self.notes.setdefault(about, f"{self.name}: {text}")


def checked_head(head: Sequence[str], name: str) -> list[str]:
    """The names of the columns. Raises TableError."""
    if len(head) > MAX_COLUMNS:
        raise TableError(f"{name}: {len(head)} columns, at most {MAX_COLUMNS} are read")
    twice = next((one for one in head if head.count(one) > 1), None) if len(set(head)) < len(head) else None
    if twice is not None:
        raise TableError(f"{name}: the column {twice!r:.80} stands twice; give each its own name")
    return list(head)
