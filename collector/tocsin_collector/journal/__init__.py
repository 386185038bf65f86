"""The durable record of what was acknowledged: append-only segments, one fdatasync for all that waits."""

from tocsin_collector.journal.journal import Damage, Journal, JournalError, JournalFull, open_journal

__all__ = ["Damage", "Journal", "JournalError", "JournalFull", "open_journal"]
