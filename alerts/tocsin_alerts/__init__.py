"""tocsin's alerts: one file a group in ``groups/``, one runbook an alert in ``runbooks/``."""

from tocsin_alerts.alert import Alert, Comparison, Match, Term
from tocsin_alerts.catalogue import alerts, runbook
from tocsin_alerts.rules import generated, rules

__all__ = ["Alert", "Comparison", "Match", "Term", "alerts", "generated", "rules", "runbook"]
