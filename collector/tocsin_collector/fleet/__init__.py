"""The fleet: what the agents say, scraped into a bounded ring that page and alarms read."""

from tocsin_collector.fleet.fleet import AgentView, Fleet
from tocsin_collector.fleet.ring import Series

__all__ = ["AgentView", "Fleet", "Series"]
