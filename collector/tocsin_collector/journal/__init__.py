"""The durable record of what was acknowledged: append-only segments, one fdatasync for all that waits."""

from tocsin_collector.journal.journal import Damage, Journal, JournalFull, open_journal
from tocsin_collector.journal.reading import JournalError
from tocsin_collector.journal.segment import sync_folder

__all__ = ["Damage", "Journal", "JournalError", "JournalFull", "open_journal", "sync_folder"]
