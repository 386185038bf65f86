"""Drift: pure functions from profiles to verdicts."""

from tocsin_collector.drift.compare import compare
from tocsin_collector.drift.reference import Reference, fit

__all__ = ["Reference", "compare", "fit"]
