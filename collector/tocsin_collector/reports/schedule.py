"""When reports are made by themselves: a line of the configuration is a plan, due for spans of event time.

A plan follows the model's own time, its watermark: of a live stream that is the clock, of a replay what it replays.
"""

import re
import shlex
from typing import NamedTuple

from tocsin_collector.verdict import ModelKey

DAY_S = 86_400.0
LENGTHS = {"day": DAY_S, "week": 7 * DAY_S}
ANY = "*"
MISSED_MOST = 7
"""So many spans that passed while nobody made reports are made up for, the newest."""
_FIRST_MONDAY_S = 4 * DAY_S  # 1 January 1970 was a Thursday
_SHAPE = (
    "PROJECT MODEL every=day|week at=HH:MM by=tocsin|evidently reference=NAME expected, as in 'shop credit every=day'"
)


class Plan(NamedTuple):
    """``*`` is any project, any model. A span is reported ``at_s`` seconds after its end, in local time."""

    project: str
    model: str
    every: str
    at_s: float = 0.0
    by: str = "tocsin"
    reference: str = ""

    def is_for(self, key: ModelKey) -> bool:
        """Whether a model version is meant."""
        return self.project in (ANY, key.project) and self.model in (ANY, key.model)


class Span(NamedTuple):
    """Event time, seconds since the epoch, the end excluded."""

    start_s: float
    end_s: float


def plan(line: str) -> Plan:
    """One line of ``reports.schedule``. Raises ValueError, which says what would be right."""
    try:
        project, model, *rest = shlex.split(line)
        given = dict(word.split("=", 1) for word in rest)
    except ValueError:
        raise ValueError(f"{line!r:.80}: {_SHAPE}") from None
    at, by = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", given.get("at", "00:00")), given.get("by", "tocsin")
    known = given.keys() <= {"every", "at", "by", "reference"}
    if not (known and project and model and at and given.get("every") in LENGTHS and by in ("tocsin", "evidently")):
        raise ValueError(f"{line!r:.80}: {_SHAPE}")
    if by == "evidently" and given.get("reference"):
        raise ValueError(f"{line!r:.80}: Evidently's compares with the reference that holds; leave reference= out")
    at_s = int(at[1]) * 3_600.0 + int(at[2]) * 60.0
    return Plan(project, model, given["every"], at_s, by, given.get("reference", ""))


def due(known: Plan, now_s: float, offset_s: float, last_end_s: float | None) -> list[Span]:
    """The spans that are over and not reported yet, the oldest first: the newest alone where none ever was, else all
    since ``last_end_s``, the end of the last one, but ``MISSED_MOST`` at most."""
    length, first = LENGTHS[known.every], _FIRST_MONDAY_S - offset_s
    newest_end_s = first + (now_s - known.at_s - first) // length * length
    since_s = newest_end_s - length if last_end_s is None else last_end_s
    missed = min(int((newest_end_s - since_s) // length), MISSED_MOST)
    ends = [newest_end_s - length * back for back in reversed(range(missed))]
    return [Span(end_s - length, end_s) for end_s in ends]
