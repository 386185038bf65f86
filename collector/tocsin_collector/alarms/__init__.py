"""Alarms of the collector itself: alerts judged on the fleet's ring and on closed windows, told through Apprise."""

from tocsin_collector.alarms.alarms import COLLECTOR, Alarms, TargetView
from tocsin_collector.alarms.state import Alarm

__all__ = ["COLLECTOR", "Alarm", "Alarms", "TargetView"]
