"""What is changed by a command, beside the collector: in the same log, under the user of the machine who did it."""

import os

from tocsin_collector.audit.chain import Entry
from tocsin_collector.audit.folder import Folder


def record(data_dir: str, what: str, outcome: str, now_s: float) -> None:
    """Put a change on record in the log of a collector's folder. Raises AuditError, OSError."""
    entry = Entry(f"uid {os.getuid()} at a terminal", "", "change", what, outcome)
    Folder(os.path.join(data_dir, "audit"), lambda: now_s).append([entry])
