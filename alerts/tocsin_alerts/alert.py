"""One alert: what it says, when it fires, and whether the collector can judge it without a Prometheus.

Where an alert is one comparison, its PromQL is written from the comparison, so that the rule in Prometheus and the
collector's own judgement cannot differ.
"""

import functools
import re
from dataclasses import dataclass

CRITICAL, WARNING, INFO = "critical", "warning", "info"
VALUE, RATE, INCREASE = "value", "rate", "increase"
CHECKS, DAILY, DATA, DRIFT, JOINT = "checks", "daily", "data", "drift", "joint"
QUALITY, RULES, TEXT = "quality", "rules", "text"
FLEET, MODEL, PIPELINE = "tocsin-fleet", "tocsin-model", "tocsin-pipeline"


@dataclass(frozen=True, slots=True)
class Match:
    """A condition on a label: ``=``, ``!=``, ``=~`` or ``!~``, anchored as PromQL's are. An absent label is empty."""

    label: str
    op: str
    value: str

    def fits(self, labels: dict[str, str]) -> bool:
        """Whether a series' labels meet the condition."""
        found = labels.get(self.label, "")
        if self.op in ("=", "!="):
            return (found == self.value) == (self.op == "=")
        return (_pattern(self.value).fullmatch(found) is not None) == (self.op == "=~")

    def promql(self) -> str:
        """As it stands between braces."""
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.label}{self.op}"{escaped}"'


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """A metric as it is compared: its value, or its gain over ``window_s`` (rate: a second; increase: in all)."""

    metric: str
    match: tuple[Match, ...] = ()
    function: str = VALUE
    window_s: int = 0

    def promql(self) -> str:
        """The selector, in its function."""
        selector = self.metric + ("{" + ", ".join(match.promql() for match in self.match) + "}" if self.match else "")
        return selector if self.function == VALUE else f"{self.function}({selector}[{duration(self.window_s)}])"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``term [/ over] op threshold``, for each series, or summed by some labels.

    ``least`` guards a ratio against little traffic: ``over`` must exceed it.
    """

    term: Term
    op: str
    threshold: float
    over: Term | None = None
    by: tuple[str, ...] | None = None
    least: float = 0.0

    def promql(self) -> str:
        """The comparison as an expression of Prometheus."""
        left = self._summed(self.term)
        if self.over is not None:
            left += f" / {self._summed(self.over)}"
        expr = f"{left} {self.op} {self.threshold:g}"
        if self.over is not None and self.least:
            expr = f"({expr}) and {self._summed(self.over)} > {self.least:g}"
        if self.term.function == INCREASE and self.over is None and self.by is None:
            expr = f"({expr}) or ({self._born()} {self.op} {self.threshold:g})"
        return expr

    def _summed(self, term: Term) -> str:
        return term.promql() if self.by is None else f"sum by ({', '.join(self.by)}) ({term.promql()})"

    def _born(self) -> str:
        # increase() needs two points: the first event of a counter that is born at 1 would pass unseen. Born it was
        # when its target was scraped oftener than it was seen; a Prometheus that is new, or was down, has seen it at
        # every scrape.
        selector, window = Term(self.term.metric, self.term.match).promql(), duration(self.term.window_s)
        scrapes = f"on (job, instance) group_left sum_over_time(up[{window}])"
        new = f"({selector} unless {selector} offset {window})"
        return f"({new} and count_over_time({selector}[{window}]) < {scrapes})"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert of the catalogue.

    ``summary`` and ``description`` may hold ``{label}`` and ``{value}``; ``unit`` says how the value is written (see
    ``number``). ``panel`` is where to look: a board's uid and a panel's id. Exactly one of: ``comparison`` (judged on
    the collector's ring too), ``window`` (judged by the collector on closed windows: rules, checks, data, drift,
    joint, daily, text or quality) and ``promql``, or ``promql`` alone, which needs Prometheus.
    """

    name: str
    severity: str
    summary: str
    description: str
    panel: tuple[str, int]
    for_s: int = 0
    unit: str = ""
    comparison: Comparison | None = None
    window: str = ""
    promql: str = ""

    @property
    def expr(self) -> str:
        """The rule's expression."""
        return self.comparison.promql() if self.comparison else self.promql

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that its texts name, in their order."""
        named = re.findall(r"\{(\w+)\}", self.summary + self.description)
        return tuple(dict.fromkeys(name for name in named if name != "value"))

    @property
    def needs_prometheus(self) -> bool:
        """Whether the collector alone cannot judge it."""
        return self.comparison is None and not self.window


def duration(seconds: int) -> str:
    """Seconds as Prometheus writes them: 90s, 5m, 6h."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def filled(template: str, labels: dict[str, str], value: str) -> str:
    """A summary or description with its labels and its value; what a series lacks stays empty."""
    return re.sub(r"\{(\w+)\}", lambda found: value if found[1] == "value" else labels.get(found[1], ""), template)
