"""Notifications that Alertmanager or Grafana send, told in the words of the collector's own alarms."""

from tocsin_collector.notifications.inbox import Inbox, InboxView
from tocsin_collector.notifications.route import notifications_router

__all__ = ["Inbox", "InboxView", "notifications_router"]
