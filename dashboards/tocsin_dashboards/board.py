"""What a board is: rows of panels, each with its queries. ``builder.py`` turns it into Grafana's JSON.

Every panel and row has its id written down: alerts and links name a panel by it, so it never moves with the layout.
"""

from dataclasses import dataclass

GREEN, ORANGE, RED, BLUE = "green", "orange", "red", "blue"

Step = tuple[float | None, str]
"""From this value on (None: from the smallest), this colour."""


def above(*bounds: float) -> tuple[Step, ...]:
    """Good below the bounds, bad from the last one on; of two the first is a warning."""
    return ((None, GREEN), *zip(bounds, (ORANGE, RED)[-len(bounds) :], strict=True))


def below(bound: float) -> tuple[Step, ...]:
    """Bad below the bound."""
    return ((None, RED), (bound, GREEN))


ANY = 0.001
"""The smallest step over nothing: a counter's gain over a range is extrapolated, so one event may show as 0.9."""

NEUTRAL: tuple[Step, ...] = ((None, BLUE),)
"""Neither good nor bad at any value."""


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query and the legend of its series; in a table ``legend`` is the title of its column.

    ``unit`` and ``steps`` are a column's own where they differ from the panel's. A ``bound`` is drawn dashed.
    """

    expr: str
    legend: str
    unit: str = ""
    steps: tuple[Step, ...] = ()
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Drill:
    """A link at a panel's values: to another board, or to the same one narrowed down.

    ``labels`` of the series become the board's variables of those names; in a table they are the row's labels.
    """

    title: str
    uid: str
    labels: tuple[str, ...]
    carries: tuple[str, ...] = ()
    """Variables of this board that go along."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of a ``kind`` of Grafana's. ``unit`` is Grafana's unit id; ``width`` is in columns of 24, ``height`` in
    rows of 30 pixels; 0 is the kind's own."""

    id: int
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    width: int = 8
    height: int = 0
    minimum: float | None = 0
    maximum: float | None = None
    decimals: int | None = None
    no_value: str = "no data"
    steps: tuple[Step, ...] = ()
    words: tuple[tuple[float, str, str], ...] = ()
    """Values that are shown as a word: value, word, colour."""
    stacked: bool = False
    bars: bool = False
    drills: tuple[Drill, ...] = ()
    sort_by: str = ""
    """The column by which a table is sorted, the largest first."""


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row of panels; a collapsed one asks nothing until it is opened."""

    id: int
    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable filled from the values of the label of its name. ``label`` is what people see; ``match`` narrows the
    metric's series, ``after`` are the variables that narrow them too."""

    name: str
    label: str
    metric: str
    match: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A mark on every chart of the board: while ``expr`` has a value, or, if ``at_value``, at the time that the value
    tells (in milliseconds)."""

    name: str
    expr: str
    title: str
    color: str
    at_value: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another board, with the time and the variables that mean the same there."""

    title: str
    uid: str
    carries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """One board. ``uid`` is its address for ever."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    links: tuple[Link, ...] = ()
    events: tuple[Event, ...] = ()

    def panels(self) -> tuple[Panel, ...]:
        """All panels, those of collapsed rows too."""
        return tuple(panel for row in self.rows for panel in row.panels)
