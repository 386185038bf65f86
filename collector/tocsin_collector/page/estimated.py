"""A score before its labels: its line on a chart, its figures, and what its change is due to."""

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


def told(view: ModelView, name: str) -> list[tuple[str, str]]:
    """``estimated``, ``0.81 [0.79, 0.83]``: the newest window's; empty where there is none."""
    estimate = newest(view)
    if estimate is None or name not in estimate.scores:
        return []
    low, high = estimate.bounds[name]
    return [("estimated", f"{number(estimate.scores[name])} [{number(low)}, {number(high)}]")]


def shift(view: ModelView, name: str) -> str:
    """What the change from the reference is due to, once labels have said; "" until then."""
    shifts = [verdict.estimate.shifts for verdict in view.verdicts if verdict.estimate and verdict.estimate.shifts]
    if not shifts or name not in shifts[-1]:
        return ""
    covariate, concept = shifts[-1][name]
    return f"Of the change {covariate:+.2g} are other rows, {concept:+.2g} another relation."
