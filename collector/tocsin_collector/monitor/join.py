"""Labels and outcomes find their predictions by id, whichever of the two comes first.

Each id of a model has a number (``index.py``), and its label, the label's time and the window that its prediction fell
into lie in columns beside it. A label writes itself there whether its prediction has come or not, and a prediction
writes its window: neither waits for the other in a place of its own, and the order of the two cannot matter. What is
left of order: of two labels of one id with the same time, the one that came last counts.

Ids are 64 bits of a keyed hash. Two ids of a model that share them (3e-6 for one pair among 10 million) are one to the
join: both predictions are counted, and a label of either is that of the later one.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tocsin_collector.frame import Frame, Values
from tocsin_collector.keyedhash import KeyedHash
from tocsin_collector.monitor.cells import MISSING, CellColumn, Names, pack, renamed, unpack
from tocsin_collector.monitor.growing import Growing
from tocsin_collector.monitor.index import Index
from tocsin_collector.monitor.outcomes import NEVER, Outcomes
from tocsin_collector.texts import joined, taken
from tocsin_schema.block import LABEL

WAITING_MOST = 1_000_000
"""Ids of one model whose label or outcome may wait for a prediction; the oldest make room and are counted."""
GATHER = 1 << 14
"""Rows that are gathered before they are joined, unless someone looks: two thirds of the cost a row of 1,000."""
_NOWHERE = -1
_SPARE_TEXTS = 1_024

U64 = NDArray[np.uint64]
Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]


class Place(Protocol):
    """Rows whose labels are looked for; ``numbers`` gets the number of each one's id, in the rows' order."""

    place: int
    numbers: Growing[np.int32]


class Listener(Protocol):
    """A window as it is told of what came for its places."""

    def joined(self, labels: int, outcomes: int) -> None:
        """So many rows got their first label, so many outcomes came; 0 and 0: something was corrected. Negative when a
        row went to another window with what it had."""


class StandIn(Place, Protocol):
    """A place for ids that have none: its rows are those that it admits."""

    def admit(self, numbers: "Numbers", which: "Mask") -> None:
        """Of the ids that were vouched for first, those that had no place; all their numbers."""


class _Late(NamedTuple):
    """Labels, or outcomes with the numbers of their names."""

    time_us: NDArray[np.int64]
    cells: NDArray[np.int64]
    names: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp] | Mask) -> "_Late":
        return _Late(self.time_us[rows], self.cells[rows], self.names[rows])


class _Came(NamedTuple):
    """Labels or outcomes that are gathered, and their ids."""

    ids: Sequence[str]
    late: _Late

    def take(self, rows: NDArray[np.intp]) -> "_Came":
        return _Came(taken(self.ids, rows), self.late.take(rows))


class Join:
    """The ids of one model, over all its versions: a label does not know which version answered."""

    def __init__(self, hash: KeyedHash) -> None:
        self.unmatched_total = 0
        self._hash = hash
        self._index = Index()
        self._texts = Names()
        self._place: Growing[np.int32] = Growing(np.int32)
        self._label = CellColumn()
        self._label_us: Growing[np.int64] = Growing(np.int64)
        self._late: Growing[np.bool_] = Growing(np.bool_)  # has a label or an outcome
        self._outcomes = Outcomes(Names())
        self._places: dict[int, Place] = {}
        self._listeners: dict[int, Listener] = {}
        self._opened = 0
        self._waiting = 0
        self._predicted: list[tuple[int, Sequence[str]]] = []
        self._vouched: list[tuple[StandIn, U64]] = []
        self._labels: list[_Came] = []
        self._valued: list[_Came] = []
        self._gathered = 0
        self._loaded: dict[str, Any] | None = None

    def open(self, place: Place, listener: Listener) -> None:
        """Let predictions fall into a place of a window."""
        place.place = self._opened
        self.reopen(place, listener)
        self._opened += 1

    def reopen(self, place: Place, listener: Listener) -> None:
        """Go on with a place that was open when ``state`` was taken."""
        self._places[place.place] = place
        self._listeners[place.place] = listener

    def state(self) -> dict[str, Any]:
        """A copy of all of it, when it is settled, but the places, which are the windows'; ``load`` takes it. Of labels
        it has those that have come."""
        self.own()
        late = np.flatnonzero(self._late.rows).astype(np.int32)
        return {
            "unmatched": self.unmatched_total,
            "opened": self._opened,
            "waiting": self._waiting,
            "texts": self._texts.listed,
            "index": self._index.state(),
            "place": self._place.rows.copy(),
            "late": late,
            "label": self._label.take(late),
            "label_us": self._label_us.rows[late],
            "outcomes": self._outcomes.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over what another one knew; this one must not know anything yet."""
        self.unmatched_total, self._opened, self._waiting = state["unmatched"], state["opened"], state["waiting"]
        self._loaded = state

    def own(self) -> None:
        """Copy the columns that ``load`` was given, unless it is done: half a second for 10 million ids, which no
        scrape needs."""
        if self._loaded is None:
            return
        state = self._loaded
        self._texts = Names(state["texts"])
        self._index.load(state["index"])
        self._lengthen()
        self._place.rows[:] = state["place"]
        late = state["late"]
        self._late.rows[late] = True
        self._label.put(late, state["label"])
        self._label_us.rows[late] = state["label_us"]
        self._outcomes.load(state["outcomes"])
        self._loaded = None

    def predicted(self, place: Place, ids: Sequence[str]) -> None:
        """Predictions fell into a window, as its next rows."""
        self._predicted.append((place.place, ids))
        self._gather(len(ids))

    def vouched(self, place: "StandIn", ids: Sequence[str]) -> None:
        """Labels came with receipts; ids without a prediction are in a window by them."""
        self._vouched.append((place, self._hash.texts(ids)))
        self._gather(len(ids))

    def came(self, frame: Frame) -> None:
        """Labels or outcomes came. Rows without a value are left out."""
        self.own()
        if frame.type == LABEL:
            cells = names = pack(frame.columns["label"], self._texts)
            told, gathered = cells != MISSING, self._labels
        else:
            cells = pack(frame.columns["value"], self._texts)
            names = self._names(frame.columns["name"])
            told, gathered = (cells != MISSING) & (names >= 0), self._valued
        came = _Came(frame.ids, _Late(frame.time_us, cells, names))
        gathered.append(came if told.all() else came.take(np.flatnonzero(told)))
        self._gather(frame.rows)

    def labels(self, *places: Place) -> tuple[list[NDArray[np.intp]], Values]:
        """The rows of each place whose label has come, and the labels of all of them."""
        self._settled()
        rows, numbers = [], []
        for place in places:
            here = self._place.rows.take(place.numbers.rows) == place.place
            rows.append(np.flatnonzero(here & (self._label_us.rows.take(place.numbers.rows) != NEVER)))
            numbers.append(place.numbers.rows[rows[-1]])
        return rows, unpack(self._label.take(np.concatenate(numbers)), self._texts)

    def label_us(self, place: Place, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """The times of the labels of some of a place's rows."""
        return self._label_us.rows[place.numbers.rows[rows]]

    def count(self, place: Place) -> int:
        """How many rows are in a place and in no other."""
        self._settled()
        return int(np.count_nonzero(self._place.rows[place.numbers.rows] == place.place))

    def outcomes(self, place: Place) -> Iterator[tuple[str, NDArray[np.intp], NDArray[np.float64]]]:
        """The rows of a window that have an outcome, and its values, by name."""
        self._settled()
        row_of = np.zeros(len(self._index), np.intp)
        row_of[place.numbers.rows] = np.arange(place.numbers.size)
        for name, numbers, values in self._outcomes.of(self._place.rows == place.place):
            yield name, row_of[numbers], values

    def forget(self, place: Place) -> None:
        """No label is waited for any more in a window: drop its predictions and what they got."""
        self._settled()
        del self._places[place.place], self._listeners[place.place]
        self._clear(self._place.rows == place.place)

    def expire(self, before_us: int) -> None:
        """Give up on what has waited since before a time of the event's own clock."""
        self.settle()
        if self._waiting:
            self.own()
            self._give_up(self._waits() & (self._last_us() < before_us))

    @property
    def waiting(self) -> int:
        """How many ids have a label or outcome that waits for their prediction."""
        self.settle()
        return self._waiting

    @property
    def size_bytes(self) -> int:
        """The memory of the columns, without what was reserved for more rows."""
        columns = (self._place, self._label_us, self._late)
        return self._index.size_bytes + self._label.nbytes + sum(column.rows.nbytes for column in columns)

    def settle(self) -> None:
        """Join what was gathered; whoever looks at the result does it first."""
        if not self._gathered:
            return
        self.own()
        self._gathered = 0
        if self._predicted:
            self._settle_predictions()
        if self._vouched:
            self._settle_vouched()
        if self._labels:
            self._settle_labels()
        if self._valued:
            self._settle_outcomes()
        if self._waiting > WAITING_MOST:
            self._make_way()
        if len(self._texts) > 2 * len(self._index) + _SPARE_TEXTS:  # labels that were made up, corrected, dropped
            cells, self._texts = renamed(self._label.take(slice(None)), self._texts)
            self._label.put(slice(None), cells)

    def _settled(self) -> None:
        self.own()
        self.settle()

    def _gather(self, rows: int) -> None:
        self._gathered += rows
        if self._gathered >= GATHER:
            self.settle()

    def _settle_predictions(self) -> None:
        parts, self._predicted = self._predicted, []
        places = np.repeat([place for place, _ in parts], [len(ids) for _, ids in parts]).astype(np.int32)
        numbers = self._claim(self._hash.texts(joined([ids for _, ids in parts])))
        early = _distinct(numbers[self._late.rows.take(numbers)])
        labels, outcomes = self._label_us.rows.take(early) != NEVER, self._outcomes_of(early)
        before = self._place.rows.take(early)
        self._waiting -= int(np.count_nonzero(before == _NOWHERE))
        if (before != _NOWHERE).any():  # a receipt's stand-in gives up what it had
            self._tell(before, -labels.astype(int), None if outcomes is None else -outcomes)
        self._place.rows[numbers] = places
        start = 0
        for place, ids in parts:
            self._places[place].numbers.append(numbers[start : start + len(ids)])
            start += len(ids)
        self._tell(self._place.rows.take(early), labels, outcomes)

    def _settle_vouched(self) -> None:
        parts, self._vouched = self._vouched, []
        numbers = self._claim(np.concatenate([keys for _, keys in parts]))
        start = 0
        for place, keys in parts:
            some = numbers[start : start + keys.size]
            which = self._place.rows[some] == _NOWHERE
            which[np.setdiff1d(np.arange(some.size), np.unique(some, return_index=True)[1])] = False
            place.admit(some, which)
            placed = some[which]
            self._place.rows[placed] = place.place
            placed = placed[self._late.rows[placed]]
            self._waiting -= placed.size
            labels, outcomes = self._label_us.rows[placed] != NEVER, self._outcomes_of(placed)
            self._tell(self._place.rows[placed], labels, outcomes)
            start += keys.size

    def _settle_labels(self) -> None:
        late, numbers, are_distinct = self._in_order(self._labels)
        self._labels = []
        known_us = self._label_us.rows.take(numbers)
        later = late.time_us >= known_us
        if not later.all():
            late, numbers, known_us = late.take(later), numbers[later], known_us[later]
        touched = numbers if are_distinct else _distinct(numbers)
        first = (known_us if are_distinct else self._label_us.rows.take(touched)) == NEVER
        places = self._arrive(touched)
        # Of a number that stands twice the last one written stays, which is the one with the latest time.
        self._label.put(numbers, late.cells)
        self._label_us.rows[numbers] = late.time_us
        self._tell(places, first, None)

    def _settle_outcomes(self) -> None:
        late, numbers, _ = self._in_order(self._valued)
        self._valued = []
        first = self._outcomes.put(numbers, late.names, late.cells.view(np.float64), late.time_us)
        touched, row = np.unique(numbers, return_inverse=True)
        self._tell(self._arrive(touched), None, np.bincount(row, first, touched.size))

    def _in_order(self, parts: list[_Came]) -> tuple[_Late, Numbers, bool]:
        """All of the parts with the ids' numbers, and whether each id stands there once; else in the order of time."""
        late = _Late(*(np.concatenate(column) for column in zip(*(part.late for part in parts), strict=True)))
        numbers = self._claim(self._hash.texts(joined([part.ids for part in parts])))
        if _distinct(numbers).size == numbers.size:
            return late, numbers, True
        order = np.argsort(late.time_us, kind="stable")
        return late.take(order), numbers[order], False

    def _claim(self, keys: U64) -> Numbers:
        if self._index.is_full(keys.size):
            self._drop_dead()
        numbers = self._index.claim(keys)
        self._lengthen()
        return numbers

    def _lengthen(self) -> None:
        size = len(self._index)
        self._place.fill(size, _NOWHERE)
        self._label.fill(size)
        self._label_us.fill(size, NEVER)
        self._late.fill(size, False)

    def _arrive(self, touched: Numbers) -> Numbers:
        """A label or an outcome has come for these ids; their places."""
        places = self._place.rows.take(touched)
        early = ~self._late.rows.take(touched) & (places == _NOWHERE)
        self._waiting += int(np.count_nonzero(early))
        self._late.rows[touched] = True
        return places

    def _tell(self, places: Numbers, labels: NDArray[np.generic] | None, outcomes: NDArray[np.generic] | None) -> None:
        """Tell the windows of some ids, by the ids' places, how much of what came is new; None where nothing is."""
        counted = places.astype(np.intp) + 1  # 0 is nowhere
        rows = np.bincount(counted)
        new, valued = (rows * 0 if some is None else np.bincount(counted, some) for some in (labels, outcomes))
        for place in np.flatnonzero(rows[1:]).tolist():
            self._listeners[place].joined(int(new[place + 1]), int(valued[place + 1]))

    def _names(self, values: Values) -> NDArray[np.int64]:
        numbers = self._outcomes.numbers(values.names)
        return np.where(values.valid, numbers[values.data], -1)

    def _waits(self) -> Mask:
        waits: Mask = self._late.rows & (self._place.rows == _NOWHERE)
        return waits

    def _last_us(self) -> NDArray[np.int64]:
        """The latest time of what came for each id."""
        last = self._label_us.rows.copy()
        np.maximum.at(last, self._outcomes.owner.rows, self._outcomes.time_us.rows)
        return last

    def _make_way(self) -> None:
        """Give up on the oldest, an eighth more than need be: so it is not each time for a few."""
        waits = np.flatnonzero(self._waits())
        excess = waits.size - WAITING_MOST * 7 // 8
        oldest = np.argpartition(self._last_us()[waits], excess - 1)[:excess]
        self._give_up(self._mask(waits[oldest]))

    def _give_up(self, which: Mask) -> None:
        self.unmatched_total += int(np.count_nonzero(self._label_us.rows[which] != NEVER))
        self.unmatched_total += int(self._outcomes.count(which).sum())
        self._waiting -= int(np.count_nonzero(which))
        self._clear(which)

    def _clear(self, which: Mask) -> None:
        self._place.rows[which] = _NOWHERE
        self._label.put(which, MISSING)
        self._label_us.rows[which] = NEVER
        self._late.rows[which] = False
        self._outcomes.forget(which)

    def _drop_dead(self) -> None:
        """Number the ids anew without those that have neither a window nor a label, where these are the half."""
        alive = self._late.rows | (self._place.rows != _NOWHERE)
        if 2 * np.count_nonzero(alive) > alive.size:
            return
        self._index.keep(alive)
        numbers = (np.cumsum(alive) - 1).astype(np.int32)
        for column in (self._place, self._label, self._label_us, self._late):
            column.keep(alive)
        for place in self._places.values():
            place.numbers.rows[:] = numbers[place.numbers.rows]
        self._outcomes = self._outcomes.renumbered(numbers)

    def _outcomes_of(self, numbers: Numbers) -> NDArray[np.int64] | None:
        """How many outcomes each of some ids has; None where there are none at all."""
        if not self._outcomes.owner.size:
            return None
        return self._outcomes.count(self._mask(numbers))[numbers]

    def _mask(self, numbers: NDArray[np.integer]) -> Mask:
        mask = np.zeros(len(self._index), bool)
        mask[numbers] = True
        return mask


def _distinct(numbers: Numbers) -> Numbers:
    """The numbers, each once, in order. ``np.unique`` costs four times as much on some thousands."""
    ordered = np.sort(numbers)
    first = np.ones(ordered.size, bool)
    first[1:] = ordered[1:] != ordered[:-1]
    found: Numbers = ordered[first]
    return found
