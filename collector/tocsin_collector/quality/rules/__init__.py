"""Rules that a window's data must keep, as a user writes them: parsed, counted in integers that merge, judged. Pure."""

from tocsin_collector.quality.rules.counts import Counted, count, merge, nothing
from tocsin_collector.quality.rules.judge import judge
from tocsin_collector.quality.rules.parse import parse
from tocsin_collector.quality.rules.rule import Rule, RuleError, Rules

__all__ = ["Counted", "Rule", "RuleError", "Rules", "count", "judge", "merge", "nothing", "parse"]
