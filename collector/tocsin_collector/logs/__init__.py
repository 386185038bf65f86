"""The embedded log store: records over HTTP into SQLite FTS5, searched by page and command."""

from tocsin_collector.logs.query import QueryError
from tocsin_collector.logs.route import logs_router
from tocsin_collector.logs.store import Found, LogStore, StoreError

__all__ = ["Found", "LogStore", "QueryError", "StoreError", "logs_router"]
