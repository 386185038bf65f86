"""Series with change points that people marked: what tocsin says of them, beside river's detectors.

River ships seven series of the Turing Change Point Dataset (van den Burg and Williams 2020) with the points that five
people marked in each; statsmodels ships some more. The first two fifths of a series are the reference. `tocsin replay`
gets them as they are, a day an observation; where it says insufficient_reference, the thresholds that the collector
then falls back to judge windows of 30 observations, the fewest that have a distance. River's detectors get the same
observations one by one, in standard deviations of the reference, with their default settings; they learn on.

An alarm is right up to two windows after a point that anybody marked, else false. A change is what three of five
marked within half a window; it is found by an alarm that is right for it. ``python -m tests.bench.real_series`` prints
its part of docs/reference/real-data.md.
"""

import csv
import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.bench.measure import Measure
from tocsin_collector.drift import compare, fit
from tocsin_collector.frame import Frame, Values
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.replay import Question, replay
from tocsin_collector.tables import open_table
from tocsin_collector.verdict import NUMBER, ModelKey

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-river" / "bin" / "python"
WINDOW, DAY_S = 30, 86_400
REFERENCE = 0.4
LATE, NEAR = 2 * WINDOW, WINDOW // 2
DETECTORS = ("ADWIN", "PageHinkley", "KSWIN")

SCRIPT = """
import json, sys
import river
from river import drift
from river.drift import datasets
FIRST = {'BrentSpotPrice': lambda x: x['day'].year >= 2000}  # what was annotated, by its documentation
EVERY = {'BrentSpotPrice': 10, 'Apple': 3}
for name in datasets.__all__:
    known = getattr(datasets, name)()
    rows = [y if isinstance(y, dict) else {'value': y} for x, y in known if FIRST.get(name, lambda x: True)(x)]
    marks = [[EVERY.get(name, 1) * at for at in one] for one in known.annotations.values()]
    print(json.dumps([name, {one: [row[one] for row in rows] for one in rows[0]}, marks]))
print(json.dumps(river.__version__), flush=True)
KINDS = {'ADWIN': drift.ADWIN, 'PageHinkley': drift.PageHinkley, 'KSWIN': lambda: drift.KSWIN(seed=1)}
for line in sys.stdin:
    found = {}
    for kind, made in KINDS.items():
        alarms = set()
        for column in json.loads(line):
            detector = made()
            for at, value in enumerate(column):
                detector.update(value)
                if detector.drift_detected:
                    alarms.add(at)
        found[kind] = sorted(alarms)
    print(json.dumps(found), flush=True)
"""


class Series(NamedTuple):
    """Columns of numbers, and the places that each person marked (none: nobody was asked)."""

    name: str
    columns: dict[str, list[float]]
    marks: list[list[int]]

    @property
    def length(self) -> int:
        """Observations."""
        return len(next(iter(self.columns.values())))

    @property
    def known(self) -> int:
        """Observations of the reference: whole windows."""
        return int(self.length * REFERENCE) // WINDOW * WINDOW

    def marked(self) -> list[int]:
        """Every point after the reference that somebody marked."""
        return sorted(at for one in self.marks for at in one if at >= self.known)

    def chance(self) -> float:
        """The share of the places after the reference where an alarm is right."""
        right = {at for mark in self.marked() for at in range(mark, min(mark + LATE, self.length - 1) + 1)}
        return len(right) / (self.length - self.known)

    def changes(self) -> list[list[int]]:
        """The points of each change: what most people marked close to one another."""
        marked = sorted((at, who) for who, one in enumerate(self.marks) for at in one if at >= self.known)
        groups: list[list[tuple[int, int]]] = []
        for at, who in marked:
            if groups and at - groups[-1][-1][0] <= NEAR:
                groups[-1].append((at, who))
            else:
                groups.append([(at, who)])
        return [[at for at, _ in one] for one in groups if 2 * len({who for _, who in one}) > len(self.marks)]


class Score(NamedTuple):
    """Changes found, and alarms that are false."""

    found: int = 0
    false: int = 0


class Found(NamedTuple):
    """What everyone said of one series; no score where nothing could be judged."""

    series: Series
    insufficient: str
    scores: dict[str, Score | None]


def run() -> list[Measure]:
    """False alarms and changes missed of the thresholds, beside ADWIN's."""
    found, version = series()
    totals = total(found)
    changes = sum(len(one.series.changes()) for one in found)
    ours, peers = totals["thresholds"], totals["ADWIN"]
    detail = {one.series.name: {name: score and score._asdict() for name, score in one.scores.items()} for one in found}
    detail |= {"river": version, "changes": changes}
    return [
        Measure("real-series-false", ours.false, peers.false, 1.0, "", detail),
        Measure("real-series-missed", changes - ours.found, changes - peers.found, 1.0, "", {}),
    ]


def series() -> tuple[list[Found], str]:
    """Each series, and river's version."""
    with _river() as process:
        told = [json.loads(process.stdout.readline()) for _ in range(8)]
        known = [Series(*one) for one in told[:-1]] + _statsmodels()
        return [_one(one, process) for one in known], told[-1]


def total(found: list[Found]) -> dict[str, Score]:
    """The sums of everyone."""
    scored = {name: [one.scores[name] or Score() for one in found] for name in ("thresholds", *DETECTORS)}
    return {name: Score(*map(sum, zip(*scores, strict=True))) for name, scores in scored.items()}


def _one(one: Series, process: subprocess.Popen) -> Found:
    table = {"time": np.arange(one.length) * DAY_S, **{name: np.array(data) for name, data in one.columns.items()}}
    sides = ({name: data[span] for name, data in table.items()} for span in (slice(one.known), slice(one.known, None)))
    insufficient = replay(*map(open_table, sides), Question("time", WINDOW * DAY_S)).insufficient
    alarms = _thresholds(one)
    scores = {"thresholds": None if alarms is None else _score(one, alarms)}
    scaled = [_scaled(np.array(data), one.known) for data in one.columns.values()]
    process.stdin.write(json.dumps(scaled) + "\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())
    return Found(one, insufficient, scores | {name: _score(one, told[name]) for name in DETECTORS})


def _scaled(data: np.ndarray, known: int) -> list[float]:
    return ((data - data[:known].mean()) / (data[:known].std() or 1.0)).tolist()


def _thresholds(one: Series) -> list[int] | None:
    """Where windows end that begin an alarm, by the rule for references too short for the policy; None where no window
    can be judged."""
    columns = {f"feature.{name}": np.array(data, np.float64) for name, data in one.columns.items()}
    values = {name: Values(NUMBER, data, np.isfinite(data)) for name, data in columns.items()}
    rows = one.length // WINDOW * WINDOW
    frame = Frame("prediction", ModelKey("bench", one.name, ""), np.zeros(one.length, np.int64), [""] * rows, values)
    spans = np.split(np.arange(rows), rows // WINDOW)
    count = one.known // WINDOW
    layout = layout_of([frame.take(np.arange(one.known))])
    windows = [profile(frame.take(span), layout) for span in spans]
    reference = fit(windows[:count], layout)
    verdicts = [compare(reference, window, WINDOW).values() for window in windows[count:]]
    if not any(verdict.judged for window in verdicts for verdict in window):
        return None
    alarmed = [any(verdict.alarmed for verdict in window) for window in verdicts]
    pairs = zip(alarmed, [False, *alarmed], strict=False)
    return [(count + at + 1) * WINDOW for at, (now, before) in enumerate(pairs) if now and not before]


def _score(one: Series, alarms: list[int]) -> Score:
    """Alarms after the reference, one a window."""
    first = {at // WINDOW: at for at in reversed(alarms) if at >= one.known}
    marked = one.marked()
    right = [at for at in first.values() if any(0 <= at - mark <= LATE for mark in marked)]
    found = [any(mark <= at <= mark + LATE for at in right for mark in marks) for marks in one.changes()]
    return Score(sum(found), len(first) - len(right))


def _statsmodels() -> list[Series]:
    """Flow of the Nile (lower since 1898, Cobb 1978), sunspots a year, carbon dioxide a week, the sea's temperature."""
    (folder,) = ROOT.glob(".venv-nannyml/lib/python3*/site-packages/statsmodels/datasets")
    nile, sunspots, co2 = (
        [float(row[1]) for row in _rows(folder / name / f"{name}.csv") if row[1]]
        for name in ("nile", "sunspots", "co2")
    )
    sea = [float(cell) for row in _rows(folder / "elnino" / "elnino.csv") for cell in row[1:]]
    never: list[list[int]] = []
    return [
        Series("Nile", {"value": nile}, [[27]]),
        Series("sunspots", {"value": sunspots}, never),
        Series("CO2", {"value": co2}, never),
        Series("El Niño", {"value": sea}, never),
    ]


def _rows(path: Path) -> list[list[str]]:
    with open(path, newline="") as file:
        return list(csv.reader(file))[1:]


def _river() -> subprocess.Popen:
    return subprocess.Popen(
        [PYTHON, "-W", "ignore", "-c", SCRIPT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"},
        text=True,
    )


def page() -> str:
    """This part of docs/reference/real-data.md."""
    found, version = series()
    totals = total(found)
    rows = [_row(one.series, one.scores, bool(one.insufficient)) for one in found]
    sums = " | ".join(f"{score.found}, {score.false}" for score in totals.values())
    changes = sum(len(one.series.changes()) for one in found)
    return PAGE.format(rows="\n".join([*rows, f"| all | | {changes} | | | {sums} |"]), version=version)


def _row(one: Series, scores: dict[str, Score | None], insufficient: bool) -> str:
    told = [f"{score.found}, {score.false}" if score else "cannot judge" for score in scores.values()]
    said = "insufficient" if insufficient else "judged"
    return f"| {one.name} | {one.length} | {len(one.changes())} | {one.chance():.2f} | {said} | {' | '.join(told)} |"


PAGE = """## One number a day: series with change points that people marked
River {version} ships seven series in which five people each marked change points (Turing Change Point Dataset);
statsmodels ships the Nile, sunspots, carbon dioxide and the sea's temperature, of which the Nile alone has a known
change, and it lies in the reference. The first two fifths are the reference. A change is what three of five marked
within 15 observations; an alarm is right up to 60 observations (two windows) after a point that anybody marked, else
false; *chance* is the share of places where an alarm would be right. Each cell: changes found, false alarms.

| series | observations | changes | chance | `replay` | thresholds, windows of 30 | ADWIN | Page-Hinkley | KSWIN |
|---|---|---|---|---|---|---|---|---|
{rows}

How to read it: tocsin says that it cannot judge, and so misses every change. It decides about windows of rows (168 of
them, 30 rows each); here a window of 30 observations is a stretch of one curve, as far from the reference while nothing
happens as afterwards, so that no distance short of 1 is beyond the bound that the thresholds learn. For one number a
day, a detector of change points is the tool. With river's default settings, on values in standard deviations of the
reference, it costs two to five false alarms for each change that it finds; where *chance* is near 1, finding means
little.
"""

if __name__ == "__main__":
    print(page(), end="")
