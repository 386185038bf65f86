"""The servers that stand beside the collector: what Prometheus scrapes, and whether each of them answers."""

from tocsin_collector.servers.ask import shown
from tocsin_collector.servers.discovery import TargetsFile, own_address
from tocsin_collector.servers.watch import ServerView, Watch, Watched, configured

__all__ = ["ServerView", "TargetsFile", "Watch", "Watched", "configured", "own_address", "shown"]
