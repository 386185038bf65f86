"""Who did and read what: an append-only log whose every record holds the hash of all before it."""

from tocsin_collector.audit.chain import Entry
from tocsin_collector.audit.folder import AuditError, Folder, verify
from tocsin_collector.audit.writer import Writer

__all__ = ["AuditError", "Entry", "Folder", "Writer", "verify"]
