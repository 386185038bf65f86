"""The log store: records over HTTP into SQLite FTS5 or Elasticsearch, searched by page and command."""

from tocsin_collector.logs.choice import open_logs
from tocsin_collector.logs.contract import Found, Logs, State, StoreError, Unusable
from tocsin_collector.logs.query import QueryError
from tocsin_collector.logs.route import logs_router
from tocsin_collector.logs.store import LogStore

__all__ = [
    "Found", "LogStore", "Logs", "QueryError", "State", "StoreError", "Unusable", "logs_router", "open_logs",
]  # fmt: skip
