"""A plan and what became of it, for people and as JSON."""

from typing import Any

from tocsin_collector.alarms.text import one_line
from tocsin_collector.provision.difference import CHANGE, CONFLICT, CREATE, DELETE, KEEP, UNCHANGED, Step
from tocsin_collector.provision.plan import Plan

_COLOURS = {CREATE: "green", CHANGE: "yellow", DELETE: "red", CONFLICT: "red"}
_PRUNE = "`tocsin provision prune` removes it"


def line(step: Step, *, done: bool = False) -> tuple[str, str | None]:
    """One step as a line, and its colour."""
    reason = f"{step.reason}; {_PRUNE}" if step.action == DELETE and not done else step.reason
    text = f"  {step.action:<10}{step.kind:<14}{one_line(step.name)}"
    return (f"{text}  ({reason})" if reason else text), _COLOURS.get(step.action)


def summary(plan: Plan) -> str:
    """The last line of a plan."""
    counts = {action: len(plan.steps(action)) for action in (CREATE, CHANGE, DELETE, UNCHANGED, KEEP, CONFLICT)}
    if not any(counts[action] for action in (CREATE, CHANGE, DELETE, CONFLICT)):
        return f"nothing to do: {counts[UNCHANGED]} objects are as they should be{_kept(counts)}"
    told = [f"{counts[CREATE]} to create", f"{counts[CHANGE]} to change", f"{counts[UNCHANGED]} unchanged"]
    if counts[DELETE]:
        told.append(f"{counts[DELETE]} to remove with `tocsin provision prune`")
    if counts[CONFLICT]:
        told.append(f"{counts[CONFLICT]} in conflict: nothing is written until they are gone")
    return ", ".join(told) + _kept(counts)


def outcome(plan: Plan) -> str:
    """The last line of an apply or a prune."""
    unchanged, left = len(plan.steps(UNCHANGED)), [step for step in plan.steps(DELETE) if step not in plan.done]
    if plan.done:
        removed = sum(step.action == DELETE for step in plan.done)
        told = f"{removed} removed" if removed else f"{len(plan.done)} written, {unchanged} unchanged"
    else:
        told = f"nothing to do: {unchanged} objects are as they should be"
    return told + (f"; {len(left)} no longer wanted: `tocsin provision prune` removes them" if left else "")


def as_json(plan: Plan) -> dict[str, Any]:
    """Steps, notes and counts; no content, so no secret."""
    steps = [
        {
            "server": part.title,
            "action": step.action,
            "kind": step.kind,
            "key": step.key,
            "title": step.found.title if step.found else "",
            "reason": step.reason,
            "done": step in plan.done,
        }
        for part in plan.parts
        for step in part.steps
    ]
    return {"steps": steps, "notes": plan.notes, "writes": plan.writes}


def _kept(counts: dict[str, int]) -> str:
    return f"; {counts[KEEP]} of others are left alone" if counts[KEEP] else ""
