"""A policy's back-test on history, without a server."""

from tocsin_collector.replay.columns import Question
from tocsin_collector.replay.replay import Replayed, Window, replay

__all__ = ["Question", "Replayed", "Window", "replay"]
