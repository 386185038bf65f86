"""The named outcomes of one model's predictions: for each id and name the value with the latest time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.monitor.cells import Names
from tocsin_collector.monitor.growing import Growing
from tocsin_collector.monitor.index import Index
from tocsin_schema.block import MAX_COLUMNS

NAMES_MOST = MAX_COLUMNS
"""Outcome names of a model, the first that came: only who makes names up has more; those are in the journal alone."""
NEVER = np.iinfo(np.int64).min
_FACTOR = np.uint64(0x9E3779B97F4A7C15)

Numbers = NDArray[np.int32]
Times = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Outcomes:
    """Values by owner (the number of an id in its join) and name; one whose time is ``NEVER`` was forgotten."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._index = Index()
        self.owner: Growing[np.int32] = Growing(np.int32)
        self._name: Growing[np.int32] = Growing(np.int32)
        self._value: Growing[np.float64] = Growing(np.float64)
        self.time_us: Growing[np.int64] = Growing(np.int64)

    def state(self) -> dict[str, Any]:
        """A copy of all of it; ``load`` takes it."""
        return {
            "names": self._names.listed,
            "index": self._index.state(),
            "owner": self.owner.rows.copy(),
            "name": self._name.rows.copy(),
            "value": self._value.rows.copy(),
            "time_us": self.time_us.rows.copy(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew."""
        self._names = Names(state["names"])
        self._index.load(state["index"])
        self.owner, self._name = Growing.of(state["owner"]), Growing.of(state["name"])
        self._value, self.time_us = Growing.of(state["value"]), Growing.of(state["time_us"])

    def numbers(self, names: list[str]) -> NDArray[np.int64]:
        """The number of each name, -1 for those beyond ``NAMES_MOST``."""
        found = np.array([self._names.find(name) for name in names], np.int64)
        fresh = np.flatnonzero(found < 0)[: NAMES_MOST - len(self._names)]
        found[fresh] = self._names.numbers([names[at] for at in fresh.tolist()])
        return found

    def put(self, owner: Numbers, name: NDArray[np.int64], value: NDArray[np.float64], time_us: Times) -> Mask:
        """Take outcomes, those of one owner and name in the order of their times; which of them are the first."""
        # The pair of numbers is the key itself, not a hash of it; the factor (one-to-one) spreads it over the table.
        at = self._index.claim(((name.astype(np.uint64) << np.uint64(32)) | owner.astype(np.uint64)) * _FACTOR)
        for column in (self.owner, self._name, self._value):
            column.fill(len(self._index), 0)
        self.time_us.fill(len(self._index), NEVER)
        known = self.time_us.rows[at]
        later = np.flatnonzero(time_us >= known)
        place = at[later]
        self.owner.rows[place], self._name.rows[place] = owner[later], name[later]
        self._value.rows[place], self.time_us.rows[place] = value[later], time_us[later]
        first = np.zeros(at.size, bool)
        first[np.unique(at, return_index=True)[1]] = True
        new: Mask = first & (known == NEVER)
        return new

    def of(self, owners: Mask) -> Iterator[tuple[str, Numbers, NDArray[np.float64]]]:
        """By name the owners that have a value, and their values."""
        which = owners[self.owner.rows] & (self.time_us.rows != NEVER)
        names, numbers, values = self._name.rows[which], self.owner.rows[which], self._value.rows[which]
        for number in np.unique(names).tolist():
            yield self._names.text(number), numbers[names == number], values[names == number]

    def count(self, owners: Mask) -> NDArray[np.int64]:
        """How many outcomes each of the owners has; 0 for all others."""
        which = owners[self.owner.rows] & (self.time_us.rows != NEVER)
        return np.bincount(self.owner.rows[which], minlength=owners.size)

    def forget(self, owners: Mask) -> None:
        """Some owners' outcomes are needed no more."""
        self.time_us.rows[owners[self.owner.rows]] = NEVER

    def renumbered(self, numbers: Numbers) -> "Outcomes":
        """What is not forgotten, with the owners' new numbers by their old ones."""
        which = self.time_us.rows != NEVER
        fresh = Outcomes(self._names)
        name = self._name.rows[which].astype(np.int64)
        fresh.put(numbers[self.owner.rows[which]], name, self._value.rows[which], self.time_us.rows[which])
        return fresh
