"""What it costs to tell a window beside the stream's own past: 20 features, 2,000 rows an hour, five weeks behind.

The state is what the snapshot has of it, all 168 hours and 28 days; its limit is that of a model's windows of a week.
CPU a window is that of two judgements (one when it closes, one when it is final) and of its way into the past, against
that of two judgements against the reference that alarms: distances, bounds and texts alone, medians of the last day.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from tests.bench.measure import Measure
from tocsin_collector.drift import compare, fit
from tocsin_collector.frame import Frame, category, number
from tocsin_collector.monitor.beside import of_past
from tocsin_collector.monitor.rolling import Pool, Rolling
from tocsin_collector.monitor.windows import Calendar
from tocsin_collector.profile import layout_of, profile
from tocsin_collector.verdict import ModelKey

HOUR, ROWS, NUMBERS, CATEGORIES = 3_600.0, 2_000, 12, 8
WEEKS, DISTINCT, OPEN = 5, 48, 25
STATE_BYTES = 8 << 20


def run() -> list[Measure]:
    """State against its limit, CPU against that of the judgement that alarms."""
    frames = [_frame(seed) for seed in range(DISTINCT)]
    layout = layout_of(frames)
    windows = [profile(frame, layout) for frame in frames]
    known = fit(windows, layout)
    rolling = Rolling(layout, Calendar(HOUR))
    ours: list[float] = []
    theirs: list[float] = []
    for hour in range(WEEKS * 168):
        window, start_s = windows[hour % DISTINCT], hour * HOUR
        closed = {start_s - back * HOUR: Pool(windows[(hour - back) % DISTINCT], 1, 0) for back in range(1, OPEN)}
        spent = _cpu(lambda: rolling.seal(start_s, Pool(window, 1, 0), {}))  # noqa: B023
        if hour >= (WEEKS * 7 - 1) * 24:
            ours.append(spent + 2 * _cpu(lambda: list(of_past(window, start_s, rolling, closed))))  # noqa: B023
            theirs.append(2 * _cpu(lambda: compare(known, window, 100)))  # noqa: B023
    state = rolling.state()
    size = sum(leaf().nbytes for leaf in (state["packed"], *(packed for *_, packed in state["days"])))
    size += sum(flat.nbytes for _, flat in state["history"])
    mine, other = statistics.median(ours), statistics.median(theirs)
    detail = {"features": NUMBERS + CATEGORIES, "rows": ROWS, "weeks": WEEKS, "hours": len(state["hours"])}
    return [
        Measure("references-state", size, STATE_BYTES, 0.5, "B", detail, "limit"),
        Measure("references-window", mine, other, 2, "s", detail, "judgement"),
    ]


def _frame(seed: int) -> Frame:
    rng = np.random.default_rng(seed)
    columns = {f"feature.n{at}": number(rng.normal(at, 1 + at, ROWS).tolist()) for at in range(NUMBERS)}
    for at in range(CATEGORIES):
        shares = 1 / np.arange(1, 4 + 8 * at)
        names = [f"v{one}" for one in range(len(shares))]
        columns[f"feature.c{at}"] = category(rng.choice(names, ROWS, p=shares / shares.sum()).tolist())
    return Frame("prediction", ModelKey("bench", "m", ""), np.zeros(ROWS, np.int64), [""] * ROWS, columns)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
