"""A sequential policy over a model's windows whose stated rate of false alarms holds: fit, then step."""

from tocsin_collector.drift.policy.fitting import Insufficient, fit
from tocsin_collector.drift.policy.policy import Policy, State
from tocsin_collector.drift.policy.stepping import begin, step
from tocsin_collector.verdict import Decision, Onset

__all__ = ["Decision", "Insufficient", "Onset", "Policy", "State", "begin", "fit", "step"]
