"""How it is decided that a model drifts, in words."""

from tocsin_collector.page.numbers import ratio
from tocsin_collector.verdict import ModelView, WindowVerdict


def how(view: ModelView) -> str:
    """Who decides, and why; empty without a reference."""
    told = view.reference.get("decisions") if view.reference else None
    if not isinstance(told, dict):
        return ""
    if told["policy"] != "calibrated":
        return f"thresholds for each window by itself: {told['reason']}"
    rate = f"evidence over windows, {ratio(told['false_alarms_per_month'])} chance of any false alarm in 30 days"
    spiky = ", ".join(told["spiky"][:8])
    return f"{rate}; not held where the reference has shocks: {spiky}" if spiky else rate


def evidence(verdict: WindowVerdict | None) -> str:
    """The largest evidence of a window beside what alarms, and how many incidents are open; empty where undecided."""
    decision = verdict.decision if verdict else None
    if decision is None:
        return ""
    count = len(decision.incidents)
    opened = f"{count} incident{'s' if count != 1 else ''} open"
    if decision.score is None:
        return f"too few rows to tell; {opened}"
    return f"{decision.score:.1f} nats, {decision.level:.1f} alarm; {opened}"
