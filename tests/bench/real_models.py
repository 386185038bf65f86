"""NannyML's data sets: `tocsin replay` and NannyML's drift alerts on the same windows, with default settings.

Where the change is, is known from elsewhere than the alarms: the synthetic sets have it in the middle of what is to
judge (NannyML's quickstart: "from the second half"); the census' rows of 2017 are no longer in the order of the years
before (column RELP: who lives in an institution comes last); the housing's rows go from county to county, so that each
is another place than the reference. A window is as long as 170 of them take the reference, since 168 are the fewest
that a policy is learnt from: no length was chosen by what it brings. ``python -m tests.bench.real_models`` prints its
part of docs/reference/real-data.md.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tests.bench.measure import Measure
from tocsin_collector.quality.auc import auc
from tocsin_collector.replay import Question, Replayed, replay
from tocsin_collector.tables import open_table

ROOT = Path(__file__).parents[2]
PEER = ROOT / ".venv-nannyml"
WINDOWS = 170
MONTH_S, YEAR_S = 30 * 86_400, 365 * 86_400
FIRST_YEAR = 69_126  # rows of 2016
LOAN = ("car_value", "loan_length", "repaid_loan_on_prev_car", "salary_range")
COMMUTE = ("distance_from_office", "public_transportation_cost", "salary_range", "wfh_prev_workday")
NO_FEATURES = ("id", "timestamp", "time", "period", "year", "y_pred", "prediction", "predicted_probability")

SCRIPT = """
import json, sys, warnings
warnings.simplefilter('ignore')
import pandas as pd
import nannyml as nml
for line in sys.stdin:
    name, size = line.split()
    sides = [pd.read_parquet(f'{sys.argv[1]}/{name}.{side}.parquet').drop(columns='time')
             for side in ('reference', 'current')]
    texts = [one for one in sides[0] if sides[0][one].dtype.kind not in 'fiu']
    sides = [side.astype({one: object for one in texts}) for side in sides]
    peer = nml.UnivariateDriftCalculator(column_names=list(sides[0]), treat_as_categorical=texts, chunk_size=int(size))
    table = peer.fit(sides[0]).calculate(sides[1]).filter(period='analysis').to_df()
    found = {one: [bool(x) for x in table[(one, 'jensen_shannon', 'alert')]] for one in sides[0]}
    print(json.dumps({'alerts': found, 'starts': [int(x) for x in table[('chunk', 'chunk', 'start_index')]],
                      'version': nml.__version__}), flush=True)
"""


class Set(NamedTuple):
    """One data set: its files, the row of the change, the features that it touches (none: all of them; None: nobody
    says), and for the real ones what their model's AUC is made from."""

    name: str
    files: str
    change: int
    changed: tuple[str, ...] | None = None
    label: str = ""
    score: str = ""


SETS = (
    Set("car loan, synthetic", "synthetic_car_loan", 25_000, LOAN),
    Set("commuting, synthetic", "synthetic_sample", 25_000, COMMUTE),
    Set("card type, synthetic", "mc", 30_000, ()),
    Set("car price, synthetic", "regression_synthetic", 30_000, ()),
    Set("census, real", "employment_MA", FIRST_YEAR, None, "employed", "predicted_probability"),
    Set("housing, real", "california_housing", 0, None, "clf_target", "y_pred_proba"),
)


class Onset(NamedTuple):
    """An alarm of a feature (None: of several together) that begins at the end of a window, seconds since 1970."""

    end_s: float
    feature: str | None


class Found(NamedTuple):
    """What both sides said of one set, whose windows begin at ``start_s``. AUC in the reference and after it."""

    one: Set
    window_s: float
    rows: int
    start_s: float
    change_s: float
    features: tuple[str, ...]
    insufficient: str
    ours: list[Onset]
    peers: list[Onset]
    aucs: tuple[float, ...]
    version: str

    def before(self, onsets: Iterable[Onset]) -> int:
        """How many began before the change: false ones."""
        return sum(onset.end_s <= self.change_s for onset in onsets)

    def delay(self, onsets: Iterable[Onset]) -> int | None:
        """In which window the first one after the change began: 1 is the one that holds it."""
        later = [onset.end_s for onset in onsets if onset.end_s > self.change_s]
        return int(np.ceil((min(later) - self.change_s) / self.window_s)) if later else None

    def named(self, onsets: Iterable[Onset]) -> set[str]:
        """The features that alarmed after the change."""
        return {onset.feature for onset in onsets if onset.end_s > self.change_s and onset.feature}

    @property
    def changed(self) -> set[str] | None:
        """The features that changed, None where nobody says."""
        return None if self.one.changed is None else set(self.one.changed or self.features)


def run() -> list[Measure]:
    """False alarms before the change, beside those that are stated for so many days and beside the peer's."""
    found = sets()
    ours, peers = (sum(one.before(side(one)) for one in found) for side in (lambda f: f.ours, lambda f: f.peers))
    stated = Question("").rate * sum((one.change_s - one.start_s) / MONTH_S for one in found)
    detail = {one.one.name: _row(one) for one in found} | {"nannyml": found[0].version}
    return [
        Measure("real-models-false", ours, stated, 1.0, "", detail, "stated"),
        Measure("real-models-false-nannyml", ours, peers, 1.0, "", {}),
    ]


def sets() -> list[Found]:
    """Each set, in order."""
    with tempfile.TemporaryDirectory() as folder, _peer(folder) as peer:
        return [_one(one, folder, peer) for one in SETS]


def _one(one: Set, folder: str, peer: subprocess.Popen) -> Found:
    sides, aucs = _tables(one)
    span_s = _seconds(sides[0])[-1] - _seconds(sides[0])[0]
    window_s = float(span_s / WINDOWS // 60 * 60)
    tables = [open_table(side) for side in sides]
    replayed = replay(*tables, Question("time", window_s))
    for side, name in zip(sides, ("reference", "current"), strict=True):
        pq.write_table(side, f"{folder}/{one.files}.{name}.parquet")
    rows = round(sides[0].num_rows * window_s / span_s)
    peer.stdin.write(f"{one.files} {rows}\n")
    peer.stdin.flush()
    told = json.loads(peer.stdout.readline())
    seconds = _seconds(sides[1]).tolist()
    ends = [seconds[at] for at in told["starts"][1:]] + seconds[-1:]
    return Found(
        one,
        window_s,
        rows,
        seconds[0],
        seconds[one.change],
        replayed.features,
        replayed.insufficient,
        _ours(replayed, window_s),
        _began(told["alerts"], ends),
        aucs,
        told["version"],
    )


def _ours(replayed: Replayed, window_s: float) -> list[Onset]:
    decided = [(window.start_s + window_s, window.decision) for window in replayed.windows if window.decision]
    return [Onset(end_s, onset.feature) for end_s, decision in decided for onset in decision.onsets]


def _began(alerts: dict[str, list[bool]], ends: list[float]) -> list[Onset]:
    """The alerts that follow a chunk without one of the same feature."""
    return [
        Onset(end_s, feature)
        for feature, found in alerts.items()
        for end_s, now, before in zip(ends, found, [False, *found], strict=False)
        if now and not before
    ]


def _tables(one: Set) -> tuple[list[pa.Table], tuple[float, ...]]:
    """Reference and current, ``time`` and the features alone; and the model's AUC on both."""
    (folder,) = PEER.glob("lib/python3*/site-packages/nannyml/datasets/data")
    sides = [_read(folder, f"{one.files}_{side}") for side in ("reference", "analysis")]
    aucs: tuple[float, ...] = ()
    if one.label:
        labels = [sides[0], _read(folder, f"{one.files}_analysis_{'target' if one.files == 'employment_MA' else 'gt'}")]
        aucs = tuple(_auc(*pair, one) for pair in zip(labels, sides, strict=True))
    shared = set(sides[0].column_names) & set(sides[1].column_names) - {*NO_FEATURES, one.label}
    return [_features(side, shared) for side in sides], aucs


def _auc(labels: pa.Table, scores: pa.Table, one: Set) -> float:
    happened = np.asarray(labels[one.label], np.float64) == 1
    likely = np.asarray(scores[one.score], np.float64)
    return auc(np.stack([happened, ~happened], axis=1), np.stack([likely, 1 - likely], axis=1))[0]


def _read(folder: Path, name: str) -> pa.Table:
    if (folder / f"{name}.pq").exists():
        return pq.read_table(folder / f"{name}.pq")
    return pyarrow.csv.read_csv(folder / f"{name}.csv")


def _features(table: pa.Table, shared: set[str]) -> pa.Table:
    """The columns that a model gets; a survey's rows get times, evenly over their year."""
    if "year" in table.column_names:
        years = np.asarray(table["year"])
        place = np.concatenate([np.arange(count) / count for count in np.unique(years, return_counts=True)[1]])
        stamps = [datetime(int(year), 1, 1, tzinfo=UTC).timestamp() for year in years]
        time = pa.array(((np.array(stamps) + place * YEAR_S) * 1e6).astype(np.int64), pa.timestamp("us", "UTC"))
    else:
        time = table["timestamp"].cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    kept = [name for name in table.column_names if name in shared and not name.startswith("y_pred")]
    return pa.table({"time": time, **{name: _plain(table[name]) for name in kept}})


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type) or pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    return column


def _seconds(table: pa.Table) -> np.ndarray:
    return np.asarray(table["time"].cast(pa.int64())) / 1e6


def page() -> str:
    """This part of docs/reference/real-data.md."""
    found = sets()
    rows = "\n".join(f"| {' | '.join(_row(one))} |" for one in found)
    return PAGE.format(rows=rows, peer_false=sum(one.before(one.peers) for one in found))


def _row(one: Found) -> list[str]:
    hours = f"{one.window_s / 3_600:.0f} h, {one.rows}" if not one.insufficient else one.insufficient
    aucs = " → ".join(f"{area:.2f}" for area in one.aucs) or "-"
    days = f"{(one.change_s - one.start_s) / 86_400:.0f}"
    return [one.one.name, hours, days, *_side(one, one.ours), *_side(one, one.peers), aucs]


def _side(one: Found, onsets: list[Onset]) -> list[str]:
    named, changed = one.named(onsets), one.changed
    right = f"{len(named)}"
    if changed is not None:
        right = f"{len(named & changed)} of {len(changed)}, and {len(named - changed)} others"
    return [str(one.before(onsets)), str(one.delay(onsets) or "-"), right]


def _peer(folder: str) -> subprocess.Popen:
    env = {"PATH": os.environ["PATH"], "HOME": folder, "NML_DISABLE_USAGE_LOGGING": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [PEER / "bin/python", "-c", SCRIPT, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
        text=True,
    )


PAGE = """## Models: NannyML's data sets
Reference and current rows as the package has them, in windows of a 170th of the reference (168 are the fewest that the
policy takes); NannyML's Jensen-Shannon alerts with its default bounds on chunks of as many rows. The synthetic sets
change in the middle (NannyML's quickstart tells), some features or all. The census is real: the rows of 2016 are in
the order of the reference; of 2017 and 2018 those who live in institutions stand together (column `RELP`). The housing
is real too, but its time is not: its rows go from county to county, so it differs from the first row on. Alarms are
counted by feature, joint ones too. *False*: before the change, in so many *calm days*; *first in*: the window of the
first alarm after it, 1 is the one that holds it; *AUC*: what the model had in the reference, and later.

| set | window, rows | calm days | false | first in | features named | NannyML: false | first in | named | AUC |
|---|---|---|---|---|---|---|---|---|---|
{rows}

How to read it: four changes out of four in the window that holds them, no feature named wrongly, and 3 false alarms
where the stated rate allows 4 in so many days. NannyML's bounds are mean and three standard deviations of each
feature's own distance, so windows of 300 rows give it {peer_false} false ones. The census' model is as good as it
was: those alarms tell of the order of rows, which the model does not see. The housing's model does get worse; tocsin
tells on the fourth window, of 34 rows each, that the places are others.
"""


if __name__ == "__main__":
    print(page(), end="")
