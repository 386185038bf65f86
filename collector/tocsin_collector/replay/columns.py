"""Which columns of two tables are features, which are labels, and how each is read."""

from typing import NamedTuple

from tocsin_collector.profile import Layout, layout_of
from tocsin_collector.replay.labels import Labels, Unlike, labels_of
from tocsin_collector.tables.rows import must_have
from tocsin_collector.tables.scan import Scan, scan
from tocsin_collector.tables.shared import shared_features
from tocsin_collector.tables.table import Table
from tocsin_collector.tables.windows import frame_of


class Question(NamedTuple):
    """``time``, ``label`` and ``prediction`` are columns (the latter two may be empty); ``rate`` is the chance of any
    false alarm in 30 days. Seasons follow the local time of ``zone``, and ``holidays`` (YYYY-MM-DD) are as Sundays."""

    time: str
    window_s: float = 3_600.0
    rate: float = 0.1
    label: str = ""
    prediction: str = ""
    zone: str = "UTC"
    holidays: tuple[str, ...] = ()


class Chosen(NamedTuple):
    """The features of both tables with the reference's kinds and cells; ``labels`` are the current table's, and
    ``known_labels`` the reference's where it has the same; ``notes`` says what was left out."""

    kinds: dict[str, str]
    layout: Layout
    labels: Labels | None
    known_labels: Labels | None
    notes: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.kinds)


def choose(reference: Table, current: Table, asked: Question) -> Chosen:
    """Look through the tables. Raises TableError."""
    for table, name in (
        (reference, asked.time),
        (current, asked.time),
        (current, asked.label),
        (current, asked.prediction),
    ):
        if name:
            must_have(table, name)
    notes: list[str] = []
    features = shared_features(reference, current, {asked.time, asked.label, asked.prediction}, notes)
    both = [asked.label, asked.prediction] if asked.label else []
    looked = scan(reference, [*features, *(name for name in both if name in reference.columns)])
    labels = _labels(current.name, scan(current, both), asked, notes) if both else None
    known_labels = _labels(reference.name, looked, asked, notes) if labels else None
    if known_labels and known_labels != labels:
        notes.append(f"{reference.name}: labels or predictions of another kind: quality is told and not judged")
        known_labels = None
    kinds = {name: looked.kinds[name] for name in features}
    layout = layout_of(frame_of({name: one for name, one in part.items() if name in kinds}) for part in looked.sample)
    return Chosen(kinds, layout, labels, known_labels, tuple(notes))


def _labels(name: str, looked: Scan, asked: Question, notes: list[str]) -> Labels | None:
    """How a table's labels and predictions belong together; None where they do not, which is told."""
    lone = [column for column in (asked.label, asked.prediction) if column not in looked.kinds]
    try:
        if not lone:
            return labels_of(looked, asked.label, asked.prediction)
        notes.append(f"{name}: no column {lone[0]!r:.80}: quality is told and not judged")
    except Unlike as error:
        notes.append(f"{name}: no quality: {error}")
    return None
