"""What the collector shows, whatever the format: families of the catalogue, and in each a column an owner.

Owners (a model version, the way in, the fleet) put their columns when something has changed; formats write anew what is
another column than before. kube-state-metrics keeps its series the same way, by object and family.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import accumulate, repeat
from typing import NamedTuple, TypeAlias

from tocsin_schema.catalogue import catalogue
from tocsin_schema.latency import LE_INDEX, LE_S
from tocsin_schema.metric import Metric


class Sample(NamedTuple):
    """One series' value. ``name`` is a catalogue name."""

    name: str
    labels: Mapping[str, str]
    value: float


class Column(NamedTuple):
    """An owner's series of one family: all have ``labels`` and differ in the labels that ``by`` names.

    ``keys`` has the values of those labels, ``values`` the samples, a row a series. A column is never changed once it
    is put.
    """

    name: str
    labels: Mapping[str, str]
    by: tuple[str, ...]
    keys: Sequence[tuple[str, ...]]
    values: Sequence[float]

    def rows(self) -> list[dict[str, str]]:
        """The labels of each series."""
        return _rows(self)

    def samples(self) -> Iterable[Sample]:
        """Each series by itself."""
        return map(Sample, repeat(self.name), self.rows(), self.values)


class Histogram(NamedTuple):
    """Durations counted in the latency layout (``tocsin_schema.latency``), and their sum in seconds."""

    counts: tuple[int, ...]
    sum_s: float

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def below(self) -> list[int]:
        """The cumulative count of each classic bound."""
        found = list(accumulate(self.counts))
        return [found[index] for index in LE_INDEX]

    def series(self) -> tuple[float, ...]:
        """The values of the series that it is without native histograms, in the order of ``CLASSIC``."""
        total = self.total
        return (*self.below(), total, self.sum_s, total)


CLASSIC = (*(("_bucket", repr(le)) for le in LE_S), ("_bucket", "+Inf"), ("_sum", ""), ("_count", ""))
"""The series of a histogram: what stands behind the name, and the bound of a bucket."""


class Histograms(NamedTuple):
    """A column of a family of histograms."""

    name: str
    labels: Mapping[str, str]
    by: tuple[str, ...]
    keys: Sequence[tuple[str, ...]]
    values: Sequence[Histogram]

    def rows(self) -> list[dict[str, str]]:
        """The labels of each histogram."""
        return _rows(self)


AnyColumn: TypeAlias = Column | Histograms


def _rows(column: "Column | Histograms") -> list[dict[str, str]]:
    return [{**column.labels, **dict(zip(column.by, key, strict=True))} for key in column.keys]


def single(name: str, labels: Mapping[str, str], value: float) -> Column:
    """A column of one series."""
    return Column(name, labels, (), [()], [value])


def columns(samples: Iterable[Sample]) -> list[Column]:
    """Samples by their name. Those of one name have labels of the same names; else KeyError."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.name, []).append(sample)
    return [_column(name, tuple(same[0].labels), same) for name, same in found.items()]


def _column(name: str, by: tuple[str, ...], samples: list[Sample]) -> Column:
    keys = [tuple([labels[label] for label in by]) for _, labels, _ in samples]
    return Column(name, {}, by, keys, [sample.value for sample in samples])


Family: TypeAlias = tuple[Metric, list[tuple[Hashable, AnyColumn]]]


class Exposition:
    """Columns by family and owner, families in the order in which they first came."""

    def __init__(self) -> None:
        self._catalogue = catalogue()
        self._families: dict[str, dict[Hashable, AnyColumn]] = {}
        self._names: dict[Hashable, set[str]] = {}

    def put(self, owner: Hashable, columns: Iterable[AnyColumn]) -> None:
        """All that an owner shows from now on.

        An owner has one column a family. A name that the catalogue lacks is a bug and raises KeyError.
        """
        before, names = self._names.pop(owner, set()), set[str]()
        for column in columns:
            if not column.keys:
                continue
            names.add(column.name)
            family = self._families.get(column.name)
            if family is None:
                family = self._families[self._catalogue[column.name].name] = {}
            family[owner] = column
        for name in before - names:
            del self._families[name][owner]
        if names:
            self._names[owner] = names

    def families(self) -> list[Family]:
        """What is shown now, family by family; later puts change nothing in it."""
        return [(self._catalogue[name], list(columns.items())) for name, columns in self._families.items() if columns]
