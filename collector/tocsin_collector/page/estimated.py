"""A score before its labels: its line on a chart, and in words."""

from tocsin_collector.page.charts import Line
from tocsin_collector.page.numbers import number
from tocsin_collector.verdict import EstimateVerdict, ModelView


def newest(view: ModelView) -> EstimateVerdict | None:
    """The newest closed window's."""
    return view.verdicts[-1].estimate if view.verdicts else None


def line(view: ModelView, name: str) -> list[Line]:
    """One score's estimates by window; no line where there are none."""
    told = [(verdict, verdict.estimate) for verdict in view.verdicts if verdict.estimate is not None]
    points = [
        ((verdict.start_s + verdict.end_s) / 2, estimate.scores[name])
        for verdict, estimate in told
        if name in estimate.scores
    ]
    return [Line("estimated", [at for at, _ in points], [value for _, value in points], "b")] if points else []


def words(view: ModelView, name: str) -> list[str]:
    """``estimated 0.81 [0.79, 0.83] in the newest window``, and what the change is due to once labels have said."""
    found = []
    estimate = newest(view)
    if estimate is not None and name in estimate.scores:
        low, high = estimate.bounds[name]
        found.append(f"estimated {number(estimate.scores[name])} [{number(low)}, {number(high)}] in the newest window")
    shifts = [verdict.estimate.shifts for verdict in view.verdicts if verdict.estimate and verdict.estimate.shifts]
    if shifts and name in shifts[-1]:
        covariate, concept = shifts[-1][name]
        found.append(f"of the newest labels' change {covariate:+.2g} are other rows, {concept:+.2g} another relation")
    return found
